// What may go from memory, since a file has it, and what is to come back, since rules look further back now: found by
// the writer of snapshots, done by the judge.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/store_impl.hpp"

namespace tocsin::store {

/// Of the thread that writes.
class Moves {
 public:
  explicit Moves(std::string folder) : folder_(std::move(folder)) {}

  /// From now on, segments may go whose last row is before this time; the others are to be in memory.
  void begin(const std::shared_ptr<LoadedSegments>& loaded, std::int64_t before);
  /// A segment that is safe on disk. It is read before it may go.
  void consider(const std::shared_ptr<Block>& block, const Segment& segment, const Stored& where);
  /// Hands over what was found since `begin`.
  [[nodiscard]] std::vector<Move> take();

 private:
  [[nodiscard]] std::shared_ptr<const SegmentFile> file(std::uint32_t number);

  const std::string folder_;
  std::shared_ptr<LoadedSegments> loaded_;
  std::map<std::uint32_t, std::weak_ptr<const SegmentFile>> files_;
  std::int64_t before_ = 0;
  std::vector<Move> found_;
};

}  // namespace tocsin::store
