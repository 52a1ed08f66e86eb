// Reads what the writer wrote. Nothing is believed before it is checked: what is damaged is left out, and named.
#include <algorithm>
#include <map>

#include "src/bytes.hpp"
#include "src/frames.hpp"
#include "src/part_codec.hpp"
#include "src/snapshot_format.hpp"
#include "src/store_impl.hpp"
#include "tocsin/store/snapshot.hpp"

namespace tocsin::store {
namespace {

constexpr std::size_t max_notes = 20;
constexpr std::uint64_t max_uid = std::uint64_t{1} << 62U;

/// One segment of a block, as the tail says and as it was found.
struct Found {
  DiskSegment where;
  std::uint32_t size = 0;
  std::shared_ptr<const Segment> segment;
};

/// A block as the tail has it.
struct Saved {
  BlockHeader header;
  std::string name;
  std::vector<Found> sealed;
  std::vector<DiskSerial> serials;
  std::vector<std::uint32_t> kept;
  std::span<const std::uint8_t> open;
};

/// Times that are wanted: (after, until].
struct Wanted {
  std::int64_t after = 0;
  std::int64_t until = 0;
};

/// Fills `found` in; false if the bytes are no such segment. If none of its rows is wanted, it stays empty.
bool take(Found& found, std::uint32_t first_row, std::int64_t base, std::uint32_t heads, std::uint32_t rows,
          std::span<const std::uint8_t> blob, const Wanted& wanted) {
  auto segment = Segment::restore(first_row, base, heads, rows, blob, max_time);
  if (!segment) return false;
  if (segment->last() > wanted.until) segment = Segment::restore(first_row, base, heads, rows, blob, wanted.until);
  if (segment && segment->last() > wanted.after) found.segment = std::move(segment);
  return true;
}

/// Adds what a segment has to what its block's heads have; false, and nothing is added, if its steps are none.
bool add(const Segment& segment, std::vector<Examined>& scratch, Revived& revived, std::size_t& samples) {
  const auto rows = segment.rows();
  ColumnBuffer space;
  scratch.clear();
  for (std::uint32_t head = 0; head < segment.heads(); ++head) {
    const auto found = examine(segment.steps(head, space), rows);
    if (!found) return false;
    scratch.push_back(*found);
  }
  if (revived.heads.size() < scratch.size()) revived.heads.resize(scratch.size());
  for (std::size_t head = 0; head < scratch.size(); ++head) {
    if (scratch[head].samples == 0) continue;
    samples += scratch[head].samples;
    revived.heads[head].last = scratch[head].last;
    revived.heads[head].row = segment.first_row() + scratch[head].last_row;
  }
  return true;
}

/// Rows and times only go forward.
bool follows(const Segment& segment, const Segment* before) {
  if (segment.first_row() == 0) return false;
  if (before == nullptr) return true;
  const auto gap = segment.first_row() - before->first_row();
  return static_cast<std::int32_t>(gap) > 0 && gap >= before->rows() && segment.first() > before->last();
}

std::optional<Saved> parse_block(std::span<const std::uint8_t> bytes) {
  Taker taker(bytes);
  Saved saved;
  saved.header = taker.one<BlockHeader>();
  saved.name = taker.text(saved.header.name);
  for (const auto& where : taker.many<DiskSegment>(saved.header.sealed)) saved.sealed.push_back({where, 0, {}});
  saved.serials = taker.many<DiskSerial>(saved.header.serials);
  saved.kept = taker.many<std::uint32_t>(saved.header.kept);
  if (!taker.good()) return std::nullopt;
  saved.open = taker.bytes(taker.left());
  return saved;
}

}  // namespace

class Restorer {
 public:
  Restorer(std::string folder, SnapshotAccess::StoreImpl& store, core::TimePoint now)
      : folder_(std::move(folder)), store_(store) {
    wanted_.until = core::to_millis(now);
    wanted_.after = wanted_.until - store.limits.retention.count();
  }
  RestoreReport run();

 private:
  void note(std::string text);
  bool read_tail(std::span<const std::uint8_t> tail);
  bool read_manifest(std::span<const std::uint8_t> bytes);
  void take_open_rows();
  void read_segments();
  void read_file_of_segments(std::uint32_t file, const std::vector<std::pair<Saved*, Found*>>& all);
  void assemble();
  Revived revive(const Saved& saved);
  void place(Saved& saved, Revived revived);
  void read_parts();

  const std::string folder_;
  SnapshotAccess::StoreImpl& store_;
  Wanted wanted_;
  RestoreReport report_;
  std::size_t left_out_notes_ = 0;
  std::vector<DiskPart> parts_;
  std::vector<std::uint64_t> hidden_;
  std::vector<Saved> blocks_;
  std::unordered_map<std::string, BlockId> blank_;  // open, and nothing was appended yet
  PartCodec::Blocks revived_;
  StoredBlocks stored_;
};

void Restorer::note(std::string text) {
  if (report_.notes.size() < max_notes) {
    report_.notes.push_back(std::move(text));
  } else {
    ++left_out_notes_;
  }
}

RestoreReport Restorer::run() {
  const auto path = file_path(folder_, tail_name);
  const auto tail = read_file(path);
  if (!tail) {
    note(tail.error().detail);
    return std::move(report_);
  }
  if (!*tail) return std::move(report_);  // a first start
  report_.bytes += (*tail)->size;
  if (!has_mark((*tail)->all())) {
    note(path + " is no file of samples that this version reads");
    return std::move(report_);
  }
  if (read_tail((*tail)->all())) {
    take_open_rows();
    read_segments();
    assemble();
    read_parts();
    const std::scoped_lock lock(store_.publish_mutex);
    store_.stored = std::move(stored_);
  }
  if (left_out_notes_ > 0) report_.notes.push_back("and " + std::to_string(left_out_notes_) + " more like these");
  return std::move(report_);
}

bool Restorer::read_tail(std::span<const std::uint8_t> tail) {
  bool manifest = false;
  std::optional<std::uint32_t> promised;
  std::uint64_t next = sizeof file_mark;
  while (next != 0 && next < tail.size()) {
    const auto frame = frame_at(tail, next, &next);
    if (!frame) continue;
    if (frame->kind == FrameKind::manifest) {
      manifest = read_manifest(frame->bytes);
    } else if (frame->kind == FrameKind::block) {
      if (auto saved = parse_block(frame->bytes)) blocks_.push_back(std::move(*saved));
    } else if (frame->kind == FrameKind::end) {
      promised = Taker(frame->bytes).one<std::uint32_t>();
    }
  }
  const auto path = file_path(folder_, tail_name);
  if (!manifest) {
    note(path + " is damaged where it says what there is: nothing can be restored");
    return false;
  }
  if (!promised) {
    note(path + " is damaged: its end is missing");
  } else if (*promised > blocks_.size()) {
    note(path + " is damaged: " + std::to_string(*promised - blocks_.size()) + " of " + std::to_string(*promised) +
         " blocks are lost");
  }
  return true;
}

bool Restorer::read_manifest(std::span<const std::uint8_t> bytes) {
  Taker taker(bytes);
  const auto header = taker.one<TailHeader>();
  parts_ = taker.many<DiskPart>(header.parts);
  hidden_ = taker.many<std::uint64_t>(header.hidden_words);
  if (header.written > -max_time && header.written < max_time) report_.written = core::from_millis(header.written);
  return taker.done();
}

// The tail's own rows are a segment like the others, only that no file has it.
void Restorer::take_open_rows() {
  for (auto& saved : blocks_) {
    const auto& header = saved.header;
    if (header.open_rows == 0) continue;
    Found found;
    found.where.first_row = header.open_first;
    if (!take(found, header.open_first, header.base, header.heads, header.open_rows, saved.open, wanted_)) {
      note("the newest rows of " + saved.name + " are damaged");
    } else {
      saved.sealed.push_back(std::move(found));
    }
  }
}

void Restorer::read_segments() {
  std::map<std::uint32_t, std::vector<std::pair<Saved*, Found*>>> by_file;
  for (auto& saved : blocks_) {
    for (auto& found : saved.sealed) {
      if (found.where.file != 0) by_file[found.where.file].emplace_back(&saved, &found);
    }
  }
  for (const auto& [file, all] : by_file) read_file_of_segments(file, all);
}

void Restorer::read_file_of_segments(std::uint32_t number, const std::vector<std::pair<Saved*, Found*>>& all) {
  const auto path = file_path(folder_, segments_prefix, number);
  const auto file = read_file(path);
  if (!file || !*file) {
    note(file ? path + " is missing" : file.error().detail);
    return;
  }
  const auto bytes = (*file)->all();
  report_.bytes += bytes.size();
  std::size_t damaged = 0;
  for (const auto& [saved, found] : all) {
    const auto frame = frame_at(bytes, found->where.offset);
    if (!frame || frame->kind != FrameKind::segment) {
      ++damaged;
      continue;
    }
    Taker taker(frame->bytes);
    const auto header = taker.one<SegmentHeader>();
    const auto& where = found->where;
    const bool right = taker.good() && header.uid == saved->header.uid && header.first_row == where.first_row &&
                       header.rows == where.rows && header.heads <= saved->header.heads;
    found->size = static_cast<std::uint32_t>(frame->bytes.size());
    if (!right ||
        !take(*found, header.first_row, header.base, header.heads, header.rows, taker.bytes(taker.left()), wanted_)) {
      ++damaged;
    }
  }
  if (damaged > 0) {
    note(path + " is damaged: " + std::to_string(damaged) + " of " + std::to_string(all.size()) + " segments are lost");
  }
}

void Restorer::assemble() {
  // Of blocks with one name the newest is the one that was open: it comes first.
  std::sort(blocks_.begin(), blocks_.end(), [](const Saved& a, const Saved& b) { return a.header.uid > b.header.uid; });
  for (const auto& [id, owned] : store_.blocks) {
    if (!owned.closed && owned.block->blank()) blank_.emplace(owned.block->name(), id);
  }
  for (auto& saved : blocks_) {
    if (saved.header.uid == 0 || saved.header.uid >= max_uid || revived_.contains(saved.header.uid)) continue;
    if (auto revived = revive(saved); !revived.segments.empty()) place(saved, std::move(revived));
  }
  // None of these was written yet, and their numbers may be those of old blocks.
  for (auto& [id, owned] : store_.blocks) {
    if (owned.block->blank()) owned.block->set_uid(store_.next_uid++);
  }
}

Revived Restorer::revive(const Saved& saved) {
  Revived revived;
  revived.uid = saved.header.uid;
  std::vector<Examined> scratch;
  StoredBlocks::mapped_type list;
  std::size_t damaged = 0;
  for (const auto& found : saved.sealed) {
    if (!found.segment) continue;
    const auto* before = revived.segments.empty() ? nullptr : revived.segments.back().get();
    if (!follows(*found.segment, before) || !add(*found.segment, scratch, revived, report_.samples)) {
      ++damaged;
      continue;
    }
    revived.segments.push_back(found.segment);
    if (found.where.file == 0) continue;
    list.push_back({found.where.first_row, found.where.rows, found.where.file, found.size, found.where.offset});
  }
  if (damaged > 0) note(std::to_string(damaged) + " segments of " + saved.name + " do not fit together");
  if (revived.segments.empty()) return revived;
  stored_.emplace(revived.uid, std::move(list));

  const auto& newest = *revived.segments.back();
  revived.last_row = newest.first_row() + newest.rows() - 1;
  for (auto& head : revived.heads) {
    head.serial = 1;
    head.kept = head.row != 0 && head.row == revived.last_row;
  }
  for (const auto& [head, serial] : saved.serials) {
    if (head < revived.heads.size()) revived.heads[head].serial = serial;
  }
  for (const auto head : saved.kept) {
    if (head < revived.heads.size()) revived.heads[head].kept = revived.heads[head].row != 0;
  }
  return revived;
}

void Restorer::place(Saved& saved, Revived revived) {
  const auto newest = core::from_millis(revived.segments.back()->last());
  report_.newest = std::max(report_.newest.value_or(newest), newest);
  const auto blank = blank_.find(saved.name);
  const auto id = blank == blank_.end() ? store_.next_block++ : blank->second;
  auto& owned = store_.blocks[id];
  if (blank != blank_.end()) {
    blank_.erase(blank);
  } else {
    owned.block = std::make_shared<Block>(id, saved.name);
    owned.closed = true;
    store_.left.try_emplace(saved.name, id);
  }
  store_.next_uid = std::max(store_.next_uid, revived.uid + 1);
  owned.block->revive(std::move(revived));
  store_.account(owned);
  revived_.emplace(saved.header.uid, owned.block);
  ++report_.blocks;
}

void Restorer::read_parts() {
  std::uint64_t first = 0;
  std::size_t refused = 0;
  for (const auto& part : parts_) {
    const auto begin = first;
    first += part.series;
    const auto path = file_path(folder_, index_prefix, part.file);
    const auto file = read_file(path);
    const auto bytes = file && *file ? (*file)->all() : std::span<const std::uint8_t>{};
    report_.bytes += bytes.size();
    const auto frame = has_mark(bytes) ? frame_at(bytes, sizeof file_mark) : std::nullopt;
    auto loaded = frame && frame->kind == FrameKind::part ? PartCodec::read(frame->bytes, revived_) : std::nullopt;
    if (!loaded || loaded->part->size() != part.series) {
      note(path + " is damaged or missing: " + std::to_string(part.series) + " series are lost");
      continue;
    }
    auto room = store_.limits.max_series - std::min(store_.limits.max_series, store_.index.size());
    const auto keep = [&](std::uint32_t series) {
      const auto number = begin + series;
      if (number / 64 < hidden_.size() && (hidden_[number / 64] >> (number % 64) & 1U) != 0) return false;
      const auto& place = loaded->part->place(series);
      if (place.block == nullptr || !place.block->holds(place.ref)) return false;
      if (place.block->series(place.ref.head) != no_series) return false;  // another one has that head
      if (room == 0) ++refused;
      return room != 0 && room-- > 0;
    };
    report_.series += store_.index.adopt(loaded->part, loaded->hashes, keep);
  }
  if (refused > 0) note(std::to_string(refused) + " series are over the bound on series");
  store_.counters.blocks = store_.blocks.size();
  store_.count_bytes();
}

RestoreReport restore(const std::string& folder, Store& store, core::TimePoint now) {
  return Restorer(folder, SnapshotAccess::impl(store), now).run();
}

}  // namespace tocsin::store
