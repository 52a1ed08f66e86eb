// Writes what is new of a store: first the segments and parts that no file has yet, then, when those are safe, a new
// tail that refers to them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <map>
#include <system_error>

#include "src/bytes.hpp"
#include "src/frames.hpp"
#include "src/moves.hpp"
#include "src/part_codec.hpp"
#include "src/snapshot_format.hpp"
#include "src/store_impl.hpp"
#include "tocsin/store/snapshot.hpp"

namespace tocsin::store {
namespace {

constexpr std::uint64_t large_file = 8 * 1024 * 1024;
constexpr std::uint64_t small_file = 64 * 1024;
constexpr std::uint64_t max_files = 32;  // about: each is open as long as samples are on it alone
constexpr core::Duration long_open{std::chrono::minutes(5)};

core::Failure failure(std::string what, int error) {
  what += ": ";
  what += std::generic_category().message(error);
  return {core::Outcome::internal, core::Phase::none, std::move(what)};
}

/// The number of a file with this prefix.
std::optional<std::uint32_t> number_of(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return number;
}

/// Where this segment is; both lists are in the order of rows, and the search goes on where it ended.
const Stored* find(const std::vector<Stored>& list, std::size_t& next, const Segment& segment) {
  const auto before = [&](const Stored& one) {
    return static_cast<std::int32_t>(one.first_row - segment.first_row()) < 0;
  };
  while (next < list.size() && before(list[next])) ++next;
  if (next == list.size()) return nullptr;
  const auto& one = list[next];
  const bool same = one.first_row == segment.first_row() && one.rows == segment.rows() &&
                    one.size == sizeof(SegmentHeader) + segment.size();
  return same ? &one : nullptr;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  return names;
}

}  // namespace

struct SnapshotWriter::Impl {
  struct Part {
    std::weak_ptr<const IndexPart> part;
    std::uint32_t file = 0;
    std::uint32_t series = 0;
  };
  /// Segments' files by number, and how far each is good.
  using Files = std::map<std::uint32_t, std::uint64_t>;

  explicit Impl(std::string folder_) : folder(std::move(folder_)), moves(folder) {}

  core::Result<SnapshotStats> write(const Store& store, core::TimePoint now);
  core::Result<void> prepare(const Store& store);
  void forget_lost_files();
  core::Result<std::vector<Part>> write_parts(const View::Impl& view, SnapshotStats& stats);
  core::Result<void> write_tail(const View::Impl& view, const std::vector<Part>& parts, core::TimePoint now,
                                StoredBlocks& fresh, SnapshotStats& stats);
  core::Result<void> write_block(const std::shared_ptr<Block>& block, FrameFile& tail, StoredBlocks& fresh,
                                 SnapshotStats& stats);
  core::Result<Stored> write_segment(std::uint64_t uid, const Segment& segment);
  core::Result<void> sync_folder() const;
  void give_up(std::uint64_t good_size, std::uint32_t first_new_file);
  void clean_up(const std::vector<Part>& parts, SnapshotStats& stats);

  const std::string folder;
  bool prepared = false;
  std::uint32_t next_file = 1;
  StoredBlocks stored;
  Files files;
  std::vector<Part> known_parts;
  std::unique_ptr<FrameFile> segments;  // the file that grows
  std::uint32_t segments_file = 0;
  core::TimePoint opened;
  Moves moves;
  std::uint64_t on_disk = 0;  // after the last write
  // Kept for their room:
  Picture picture;
  Bytes bytes;
};

core::Result<void> SnapshotWriter::Impl::prepare(const Store& store) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(folder).parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return failure("cannot make the folder " + folder, errno);
  if (prepared) return {};
  auto& impl = SnapshotAccess::impl(store);
  {
    const std::scoped_lock lock(impl.publish_mutex);
    stored.swap(impl.stored);
  }
  for (const auto& [uid, list] : stored) {
    for (const auto& one : list) files[one.file] = std::max(files[one.file], one.offset + frame_extra + one.size);
  }
  for (const auto& name : names_in(folder)) {
    for (const auto* prefix : {segments_prefix, index_prefix}) {
      if (const auto number = number_of(name, prefix)) next_file = std::max(next_file, *number + 1);
    }
  }
  prepared = true;
  return {};
}

// Somebody may have emptied the folder: what is not there any more is written again.
void SnapshotWriter::Impl::forget_lost_files() {
  const auto lost = [](const std::string& path, std::uint64_t size) {
    struct stat info {};
    return ::stat(path.c_str(), &info) != 0 || static_cast<std::uint64_t>(info.st_size) < size;
  };
  for (auto it = files.begin(); it != files.end();) {
    if (!lost(file_path(folder, segments_prefix, it->first), it->second)) {
      ++it;
      continue;
    }
    for (auto& [uid, list] : stored) {
      std::erase_if(list, [&](const Stored& one) { return one.file == it->first; });
    }
    if (segments_file == it->first) segments.reset();
    it = files.erase(it);
  }
  std::erase_if(known_parts, [&](const Part& part) {
    return lost(file_path(folder, index_prefix, part.file), sizeof file_mark + frame_extra);
  });
}

core::Result<std::vector<SnapshotWriter::Impl::Part>> SnapshotWriter::Impl::write_parts(const View::Impl& view,
                                                                                        SnapshotStats& stats) {
  std::vector<Part> parts;
  for (const auto& range : view.parts) {
    const auto same = [&](const Part& known) {
      return !known.part.owner_before(range.part) && !range.part.owner_before(known.part);
    };
    if (const auto it = std::find_if(known_parts.begin(), known_parts.end(), same); it != known_parts.end()) {
      parts.push_back(*it);
      continue;
    }
    const auto number = next_file++;
    auto file = FrameFile::create(file_path(folder, index_prefix, number));
    if (!file) return file.error();
    core::Result<void> done;
    if (!PartCodec::write(*range.part, **file)) done = failure("the index is too large for a file", EFBIG);
    if (done) done = (*file)->sync();
    if (!done) {
      (*file)->discard(0);
      return done.error();
    }
    stats.bytes += (*file)->size();
    parts.push_back({range.part, number, range.part->size()});
    known_parts.push_back(parts.back());
  }
  return parts;
}

core::Result<Stored> SnapshotWriter::Impl::write_segment(std::uint64_t uid, const Segment& segment) {
  if (!segments) {
    auto file = FrameFile::create(file_path(folder, segments_prefix, next_file));
    if (!file) return file.error();
    segments = std::move(*file);
    segments_file = next_file++;
  }
  Stored where;
  where.first_row = segment.first_row();
  where.rows = segment.rows();
  where.file = segments_file;
  where.size = static_cast<std::uint32_t>(sizeof(SegmentHeader) + segment.size());
  where.offset = segments->size();
  const SegmentHeader header{uid, segment.first(), where.first_row, where.rows, segment.heads(), 0};
  segments->begin(FrameKind::segment, where.size);
  segments->add(bytes_of(&header, 1));
  segments->add(segment.blob());
  segments->end();
  return where;
}

core::Result<void> SnapshotWriter::Impl::write_block(const std::shared_ptr<Block>& block, FrameFile& tail,
                                                     StoredBlocks& fresh, SnapshotStats& stats) {
  block->picture(picture);
  if (picture.sealed.empty() && picture.offsets.empty()) return {};
  auto& list = fresh[picture.uid];
  const auto known = stored.find(picture.uid);
  std::size_t next = 0;
  for (const auto& segment : picture.sealed) {
    if (const auto* before = known == stored.end() ? nullptr : find(known->second, next, *segment)) {
      list.push_back(*before);
      if (picture.kept.empty()) moves.consider(block, *segment, *before);
      continue;
    }
    const SegmentInHand here(*segment);
    if (!here) continue;  // its file went, and cannot be read any more
    const auto where = write_segment(picture.uid, *here);
    if (!where) return where.error();
    list.push_back(*where);
    ++stats.segments;
  }
  picture.sealed.clear();

  std::vector<DiskSerial> serials;
  for (std::uint32_t head = 0; head < picture.serials.size(); ++head) {
    if (picture.serials[head] != 1) serials.push_back({head, picture.serials[head]});
  }
  BlockHeader header;
  header.uid = picture.uid;
  header.base = picture.base;
  header.last_row = picture.last_row;
  header.open_first = picture.open_first;
  header.open_rows = static_cast<std::uint32_t>(picture.offsets.size());
  header.heads = static_cast<std::uint32_t>(picture.serials.size());
  header.name = static_cast<std::uint32_t>(block->name().size());
  header.sealed = static_cast<std::uint32_t>(list.size());
  header.serials = static_cast<std::uint32_t>(serials.size());
  header.kept = static_cast<std::uint32_t>(picture.kept.size());
  bytes.clear();
  put(bytes, header);
  put(bytes, bytes_of(block->name()));
  for (const auto& one : list) put(bytes, DiskSegment{one.offset, one.file, one.first_row, one.rows, 0});
  put_all(bytes, serials);
  put_all(bytes, picture.kept);
  if (header.open_rows > 0) {
    const Times times{picture.base, reinterpret_cast<const std::uint8_t*>(picture.offsets.data()), header.open_rows};
    put(bytes, Segment(picture.open_first, times, picture.lengths, picture.payload).blob());
  }
  tail.write(FrameKind::block, bytes);
  ++stats.blocks;
  return {};
}

core::Result<void> SnapshotWriter::Impl::write_tail(const View::Impl& view, const std::vector<Part>& parts,
                                                    core::TimePoint now, StoredBlocks& fresh, SnapshotStats& stats) {
  auto created = FrameFile::create(file_path(folder, new_tail_name));
  if (!created) return created.error();
  auto& tail = **created;
  bytes.clear();
  put(bytes, TailHeader{core::to_millis(now), static_cast<std::uint32_t>(parts.size()),
                        static_cast<std::uint32_t>(view.hidden->size())});
  for (const auto& part : parts) put(bytes, DiskPart{part.file, part.series});
  put_all(bytes, *view.hidden);
  tail.write(FrameKind::manifest, bytes);

  std::vector<std::shared_ptr<Block>> blocks;
  for (const auto& range : view.parts) {
    range.part->each_block([&](const std::shared_ptr<Block>& block) { blocks.push_back(block); });
  }
  std::sort(blocks.begin(), blocks.end());
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  core::Result<void> done;
  for (const auto& block : blocks) {
    if (done) done = write_block(block, tail, fresh, stats);
  }
  const auto count = static_cast<std::uint32_t>(stats.blocks);
  tail.write(FrameKind::end, bytes_of(&count, 1));
  stats.bytes += tail.size();

  // What the tail refers to is safe before it takes the place of the one before.
  if (done && stats.segments > 0) done = segments->sync();
  if (done) done = tail.sync();
  if (done) done = sync_folder();
  const auto path = file_path(folder, tail_name);
  if (done && ::rename(tail.path().c_str(), path.c_str()) != 0) done = failure("cannot write " + path, errno);
  if (!done) tail.discard(0);
  return done;
}

core::Result<void> SnapshotWriter::Impl::sync_folder() const {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return failure("cannot open the folder " + folder, errno);
  ::fsync(descriptor);  // not every file system can
  ::close(descriptor);
  return {};
}

// The last good state stands; what was begun behind it goes, so that a full disk has its room back.
void SnapshotWriter::Impl::give_up(std::uint64_t good_size, std::uint32_t first_new_file) {
  if (segments) segments->discard(segments_file >= first_new_file ? 0 : good_size);
  segments.reset();
  std::erase_if(known_parts, [&](const Part& part) {
    if (part.file < first_new_file) return false;
    ::unlink(file_path(folder, index_prefix, part.file).c_str());
    return true;
  });
}

void SnapshotWriter::Impl::clean_up(const std::vector<Part>& parts, SnapshotStats& stats) {
  const auto wanted = [&](const std::string& name) {
    if (name == tail_name) return true;
    if (const auto number = number_of(name, segments_prefix)) return files.contains(*number);
    const auto number = number_of(name, index_prefix);
    return number && std::any_of(parts.begin(), parts.end(), [&](const Part& part) { return part.file == *number; });
  };
  for (const auto& name : names_in(folder)) {
    const auto path = file_path(folder, name.c_str());
    struct stat info {};
    if (wanted(name)) {
      ++stats.files;
      if (::stat(path.c_str(), &info) == 0) stats.on_disk += static_cast<std::size_t>(info.st_size);
    } else if (name == new_tail_name || number_of(name, segments_prefix) || number_of(name, index_prefix)) {
      ::unlink(path.c_str());
    }
  }
}

core::Result<SnapshotStats> SnapshotWriter::Impl::write(const Store& store, core::TimePoint now) {
  if (auto ready = prepare(store); !ready) return ready.error();
  forget_lost_files();
  auto& impl = SnapshotAccess::impl(store);
  const auto view = SnapshotAccess::impl(store.snapshot());
  moves.begin(impl.loaded, core::to_millis(now) - impl.at_hand);
  const auto good_size = segments ? segments->size() : 0;
  const auto first_new_file = next_file;
  SnapshotStats stats;
  StoredBlocks fresh;
  const auto parts = write_parts(*view, stats);
  core::Result<void> done;
  if (!parts) done = parts.error();
  if (done) done = write_tail(*view, *parts, now, fresh, stats);
  if (!done) {
    give_up(good_size, first_new_file);
    return done.error();
  }
  stored.swap(fresh);
  files.clear();
  for (const auto& [uid, list] : stored) {
    for (const auto& one : list) files[one.file] = std::max(files[one.file], one.offset + frame_extra + one.size);
  }
  known_parts = *parts;
  if (segments) {
    stats.bytes += segments->size() - good_size;
    if (good_size == 0) opened = now;
    const auto size = segments->size();
    const auto enough = now - opened >= long_open || now < opened ? small_file : large_file;
    if (size >= std::max(enough, on_disk / max_files)) segments.reset();
    if (segments) files.try_emplace(segments_file, size);
  }
  for (const auto& range : view->parts) stats.series += range.part->size();
  clean_up(*parts, stats);
  on_disk = stats.on_disk;
  const std::scoped_lock lock(impl.publish_mutex);
  impl.moves = moves.take();
  return stats;
}

SnapshotWriter::SnapshotWriter(std::string folder) : impl_(std::make_unique<Impl>(std::move(folder))) {}
SnapshotWriter::~SnapshotWriter() = default;

core::Result<SnapshotStats> SnapshotWriter::write(const Store& store, core::TimePoint now) {
  return impl_->write(store, now);
}

}  // namespace tocsin::store
