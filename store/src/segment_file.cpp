#include "src/segment_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "src/bytes.hpp"
#include "src/frames.hpp"
#include "src/snapshot_format.hpp"

namespace tocsin::store {
namespace {

/// Leaves.
struct Turn {
  LoadedSegments& loaded;
  ~Turn() { loaded.leave(); }
};

}  // namespace

LoadedSegments::Loaded LoadedSegments::find(const Key& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  found->second->used = age_;
  return found->second->segment;
}

void LoadedSegments::keep(const Key& key, Loaded segment) {
  Entries dropped;  // freed after the lock
  const std::scoped_lock lock(mutex_);
  if (by_key_.contains(key)) return;
  bytes_ += segment->bytes();
  entries_.push_front({key, std::move(segment), age_});
  by_key_.emplace(key, entries_.begin());
  while (bytes_ > room_ && entries_.size() > 1) drop_last(dropped);
}

void LoadedSegments::age() {
  Entries dropped;  // freed after the lock
  const std::scoped_lock lock(mutex_);
  ++age_;
  while (!entries_.empty() && entries_.back().used + ages < age_) drop_last(dropped);
}

std::size_t LoadedSegments::bytes() const {
  const std::scoped_lock lock(mutex_);
  return bytes_;
}

bool LoadedSegments::enter() {
  std::unique_lock lock(mutex_);
  if (reading_ && !stuck_) stuck_ = !left_.wait_for(lock, patience, [this] { return !reading_; });
  return !std::exchange(reading_, true);
}

void LoadedSegments::leave() {
  {
    const std::scoped_lock lock(mutex_);
    reading_ = false;
    stuck_ = false;
  }
  left_.notify_one();
}

void LoadedSegments::drop_last(Entries& dropped) {
  bytes_ -= entries_.back().segment->bytes();
  by_key_.erase(entries_.back().key);
  dropped.splice(dropped.begin(), entries_, std::prev(entries_.end()));
}

core::Result<std::shared_ptr<const SegmentFile>> SegmentFile::open(const std::string& path, std::uint32_t number,
                                                                   std::shared_ptr<LoadedSegments> loaded) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) {
    return core::Failure{core::Outcome::internal, core::Phase::none,
                         "cannot read " + path + ": " + std::generic_category().message(errno)};
  }
  return std::shared_ptr<const SegmentFile>(new SegmentFile(descriptor, number, std::move(loaded)));
}

SegmentFile::~SegmentFile() { ::close(descriptor_); }

std::shared_ptr<const Segment> SegmentFile::read(const Segment& segment, std::uint64_t offset) const {
  Bytes bytes(frame_extra + sizeof(SegmentHeader) + segment.size());
  for (std::size_t have = 0; have < bytes.size();) {
    const auto got = ::pread(descriptor_, bytes.data() + have, bytes.size() - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return nullptr;
    have += static_cast<std::size_t>(got);
  }
  const auto frame = frame_at(bytes, 0);
  if (!frame || frame->kind != FrameKind::segment) return nullptr;
  Taker taker(frame->bytes);
  const auto header = taker.one<SegmentHeader>();
  const bool same = header.first_row == segment.first_row() && header.rows == segment.rows() &&
                    header.heads == segment.heads() && header.base == segment.first() && taker.left() == segment.size();
  if (!same) return nullptr;
  return Segment::restore(header.first_row, header.base, header.heads, header.rows, taker.bytes(taker.left()),
                          max_time);
}

std::shared_ptr<const Segment> SegmentFile::load(const Segment& segment, std::uint64_t offset) const {
  const LoadedSegments::Key key{number_, offset};
  if (auto known = loaded_->find(key)) return known;
  std::shared_ptr<const Segment> fresh;
  if (loaded_->enter()) {
    const Turn turn{*loaded_};
    fresh = read(segment, offset);
  }
  if (fresh) {
    loaded_->keep(key, fresh);
  } else {
    loaded_->count_failure();
  }
  return fresh;
}

}  // namespace tocsin::store
