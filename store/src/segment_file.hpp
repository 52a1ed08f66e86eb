// Sealed segments whose bytes are on disk alone, and those of them that were read lately.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "src/segment.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::store {

/// Segments that were read from disk, by file and place: who reads a block's series reads the same ones again and
/// again. Any thread.
class LoadedSegments {
 public:
  using Loaded = std::shared_ptr<const Segment>;
  struct Key {
    std::uint32_t file = 0;
    std::uint64_t offset = 0;
    bool operator==(const Key&) const = default;
  };

  explicit LoadedSegments(std::size_t room = 16 * 1024 * 1024) : room_(room) {}

  [[nodiscard]] Loaded find(const Key& key);
  /// What was used longest ago makes room for it.
  void keep(const Key& key, Loaded segment);
  /// Forgets what was not used since so many calls before this one.
  void age();
  [[nodiscard]] std::size_t bytes() const;

  /// One thread reads at a time: a disk that hangs holds up one, and the others go without. False: not now.
  [[nodiscard]] bool enter();
  void leave();
  /// How long one waits for another, unless it is known already that none gets through.
  static constexpr std::chrono::milliseconds patience{500};

  void count_failure() { ++failures_; }
  /// Segments that could not be read back.
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

 private:
  static constexpr std::uint64_t ages = 10;
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<std::uint64_t>{}(key.offset * 0x9e3779b97f4a7c15ULL + key.file);
    }
  };
  struct Entry {
    Key key;
    Loaded segment;
    std::uint64_t used = 0;
  };
  using Entries = std::list<Entry>;
  void drop_last(Entries& dropped);

  const std::size_t room_;
  std::atomic<std::uint64_t> failures_{0};
  mutable std::mutex mutex_;  // guards what follows
  Entries entries_;           // the one that was used last comes first
  std::unordered_map<Key, Entries::iterator, Hash> by_key_;
  std::size_t bytes_ = 0;
  std::uint64_t age_ = 0;
  bool reading_ = false;
  bool stuck_ = false;  // somebody waited in vain for the one that reads
  std::condition_variable left_;
};

/// A file of segments, open as long as one of them is known: also when its name is gone. Any thread.
class SegmentFile {
 public:
  /// `number`: the file's, in a folder where none is used twice.
  [[nodiscard]] static core::Result<std::shared_ptr<const SegmentFile>> open(const std::string& path,
                                                                             std::uint32_t number,
                                                                             std::shared_ptr<LoadedSegments> loaded);
  ~SegmentFile();
  SegmentFile(const SegmentFile&) = delete;
  SegmentFile& operator=(const SegmentFile&) = delete;

  /// The same segment with its bytes, which begins at `offset`; null if that is not what stands there.
  [[nodiscard]] std::shared_ptr<const Segment> read(const Segment& segment, std::uint64_t offset) const;
  /// The same, of those that were read lately if it is one; a failure is counted.
  [[nodiscard]] std::shared_ptr<const Segment> load(const Segment& segment, std::uint64_t offset) const;

 private:
  SegmentFile(int descriptor, std::uint32_t number, std::shared_ptr<LoadedSegments> loaded)
      : descriptor_(descriptor), number_(number), loaded_(std::move(loaded)) {}

  const int descriptor_;
  const std::uint32_t number_;
  const std::shared_ptr<LoadedSegments> loaded_;
};

}  // namespace tocsin::store
