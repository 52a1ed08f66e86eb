// Room for the steps of open rows: small pieces, which a series chains together. They come in chunks of one size, so
// that growing moves nothing, and what is given back fits the next block.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace tocsin::store {

class Slabs {
 public:
  static constexpr std::uint32_t none = 0xffffffff;
  static constexpr std::size_t room = 12;  // most series change seldom: one slab is enough
  struct Slab {
    std::uint32_t next = none;
    std::array<std::uint8_t, room> bytes;
  };

  Slabs() = default;
  Slabs(Slabs&& other) noexcept : chunks_(std::move(other.chunks_)), size_(std::exchange(other.size_, 0)) {}
  Slabs& operator=(Slabs&&) = delete;
  ~Slabs() = default;

  /// The number of one that nobody has.
  [[nodiscard]] std::uint32_t take() {
    if (size_ == chunks_.size() * in_chunk) chunks_.push_back(std::make_unique_for_overwrite<Chunk>());
    return size_++;
  }
  [[nodiscard]] Slab& operator[](std::uint32_t slab) { return (*chunks_[slab / in_chunk])[slab % in_chunk]; }
  [[nodiscard]] const Slab& operator[](std::uint32_t slab) const {
    return (*chunks_[slab / in_chunk])[slab % in_chunk];
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const {
    return chunks_.size() * sizeof(Chunk) + chunks_.capacity() * sizeof(chunks_[0]);
  }

 private:
  static constexpr std::uint32_t in_chunk = 32;
  using Chunk = std::array<Slab, in_chunk>;

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::uint32_t size_ = 0;
};

}  // namespace tocsin::store
