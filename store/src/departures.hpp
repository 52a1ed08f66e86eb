// What may go from memory, since a file has it: found by the writer of snapshots, done by the judge.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/store_impl.hpp"

namespace tocsin::store {

/// Of the thread that writes.
class Departures {
 public:
  explicit Departures(std::string folder) : folder_(std::move(folder)) {}

  /// From now on, segments may go whose last row is before this time.
  void begin(const std::shared_ptr<LoadedSegments>& loaded, std::int64_t before);
  /// A segment that is safe on disk. It is read back before it may go.
  void consider(const std::shared_ptr<Block>& block, const Segment& segment, const Stored& where);
  /// Hands over what was found since `begin`.
  [[nodiscard]] std::vector<Departure> take();

 private:
  [[nodiscard]] std::shared_ptr<const SegmentFile> file(std::uint32_t number);

  const std::string folder_;
  std::shared_ptr<LoadedSegments> loaded_;
  std::map<std::uint32_t, std::weak_ptr<const SegmentFile>> files_;
  std::int64_t before_ = 0;
  std::vector<Departure> found_;
};

}  // namespace tocsin::store
