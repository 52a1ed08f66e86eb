#include "src/moves.hpp"

#include <utility>

#include "src/snapshot_format.hpp"

namespace tocsin::store {

void Moves::begin(const std::shared_ptr<LoadedSegments>& loaded, std::int64_t before) {
  loaded_ = loaded;
  before_ = before;
  found_.clear();
  std::erase_if(files_, [](const auto& file) { return file.second.expired(); });
}

void Moves::consider(const std::shared_ptr<Block>& block, const Segment& segment, const Stored& where) {
  const bool may_go = segment.last() < before_;
  if (segment.here() != may_go) return;
  if (!may_go) {
    if (auto back = segment.load()) found_.push_back({block, std::move(back)});
    return;
  }
  auto from = file(where.file);
  if (!from) return;
  auto saved = std::make_shared<const Segment>(segment, from, where.offset);
  if (from->read(*saved, where.offset)) found_.push_back({block, std::move(saved)});
}

std::vector<Move> Moves::take() { return std::exchange(found_, {}); }

std::shared_ptr<const SegmentFile> Moves::file(std::uint32_t number) {
  auto& known = files_[number];
  if (auto open = known.lock()) return open;
  auto opened = SegmentFile::open(file_path(folder_, segments_prefix, number), number, loaded_);
  if (!opened) return nullptr;
  known = *opened;
  return *opened;
}

}  // namespace tocsin::store
