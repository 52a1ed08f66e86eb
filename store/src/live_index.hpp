// The index as the judge changes it. New series gather until `commit` makes a part of them; neighbouring parts are
// merged so that each is at least four times the next. Series that went, or that another one took over, are hidden
// until `compact` numbers all anew.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "src/index_part.hpp"
#include "src/label_table.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::store {

/// The index at one moment.
struct View::Impl {
  struct Range {
    std::uint32_t first = 0;
    std::shared_ptr<const IndexPart> part;
  };
  struct Found {
    const IndexPart* part = nullptr;  // null: no such series
    std::uint32_t series = 0;         // of that part
  };
  using Bits = std::vector<std::uint64_t>;

  std::uint64_t generation = 1;
  std::uint64_t numbering = 1;
  bool shared = false;  // for threads that are not the judge
  std::vector<Range> parts;
  std::shared_ptr<const Bits> hidden;

  [[nodiscard]] Found find(std::uint32_t series) const;
  [[nodiscard]] bool is_hidden(std::uint32_t series) const;
};

class LiveIndex {
 public:
  LiveIndex();

  /// The series that has these labels and was not taken over.
  [[nodiscard]] std::optional<std::uint32_t> find(const core::Labels& labels, std::uint64_t hash) const;
  [[nodiscard]] Place place(std::uint32_t series) const;
  [[nodiscard]] core::Labels labels(std::uint32_t series) const;
  [[nodiscard]] std::shared_ptr<Block> owner(std::uint32_t series) const;

  std::uint32_t add(core::Labels labels, std::uint64_t hash, std::shared_ptr<Block> block, HeadRef ref);
  /// The same, and what `before` had is read through the new series for times before `from`.
  std::uint32_t take_over(std::uint32_t before, core::Labels labels, std::uint64_t hash, std::shared_ptr<Block> block,
                          HeadRef ref, std::int64_t from);
  /// Takes a part that was read from a disk; those series that `keep` does not want, or that are there already, stay
  /// hidden. Returns how many are not.
  std::size_t adopt(std::shared_ptr<const IndexPart> part, std::span<const std::uint64_t> hashes,
                    const IndexPart::Keep& keep);
  /// The series's samples are gone.
  void forget(std::uint32_t series);
  [[nodiscard]] std::size_t waiting() const { return fresh_.size(); }

  /// Makes what was added and forgotten visible in `view()`.
  void commit();
  /// Hidden series weigh enough to number all anew. `husks`: closed blocks that only the index still knows.
  [[nodiscard]] bool compact_due(std::size_t husks) const;
  void compact();

  [[nodiscard]] const std::shared_ptr<const View::Impl>& view() const { return view_; }
  /// The same for other threads.
  [[nodiscard]] std::shared_ptr<const View::Impl> shared_view() const;
  /// Series that can be selected.
  [[nodiscard]] std::size_t size() const { return total_ + fresh_.size() - hidden_count_; }
  [[nodiscard]] std::size_t bytes() const;

 private:
  [[nodiscard]] bool equals(std::uint32_t series, const core::Labels& labels) const;
  [[nodiscard]] std::shared_ptr<const Chain> chain(std::uint32_t series) const;
  [[nodiscard]] std::uint32_t next() const { return total_ + static_cast<std::uint32_t>(fresh_.size()); }
  void hide(std::uint32_t series);
  void publish_parts();

  std::vector<View::Impl::Range> parts_;
  std::uint32_t total_ = 0;  // series in parts
  std::uint64_t numbering_ = 1;
  std::vector<NewSeries> fresh_;
  View::Impl::Bits hidden_;
  std::size_t hidden_count_ = 0;
  bool hidden_changed_ = false;
  LabelTable table_;
  std::shared_ptr<const View::Impl> view_;
};

}  // namespace tocsin::store
