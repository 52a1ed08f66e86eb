// A part of the index on disk: its columns as they are, blocks by their uids.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "src/frames.hpp"
#include "src/index_part.hpp"

namespace tocsin::store {

/// Read from a disk, and found to fit together.
struct LoadedPart {
  std::shared_ptr<const IndexPart> part;
  std::vector<std::uint64_t> hashes;  // of each series's labels
};

class PartCodec {
 public:
  using Blocks = std::unordered_map<std::uint64_t, std::shared_ptr<Block>>;

  /// One frame. Nothing is written if the part is too large for one (four gigabytes).
  static bool write(const IndexPart& part, FrameFile& file);
  /// Nothing if the bytes make no part. Series of blocks that are not there have no block.
  [[nodiscard]] static std::optional<LoadedPart> read(std::span<const std::uint8_t> bytes, const Blocks& blocks);

 private:
  struct Header;
  struct DiskPlace;
  struct DiskChain;
  struct DiskLink;
  class Reader;
  [[nodiscard]] static bool texts_fit(const IndexPart& part, std::size_t pairs);
  [[nodiscard]] static bool series_fit(const IndexPart& part, std::size_t series);
};

}  // namespace tocsin::store
