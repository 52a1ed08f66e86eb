// The samples on disk, so that a restart loses at most what came since the last write.
//
// A folder holds: `tail`, written anew each time and put in place by a rename: what there is, and the rows that are not
// sealed yet; `segments-<n>`, to which each sealed segment is appended once; `index-<n>`, one for each part of the
// index. Every record carries a checksum: a process that is killed at any moment leaves the last whole state, and what
// a disk damaged is left out and named. Files that nothing refers to any more go with the next write.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/result.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::store {

/// What one write did.
struct SnapshotStats {
  std::size_t bytes = 0;     // written this time
  std::size_t on_disk = 0;   // in all files of the folder afterwards
  std::size_t files = 0;     // of the folder afterwards
  std::size_t segments = 0;  // written this time
  std::size_t blocks = 0;
  std::size_t series = 0;  // of the index that was written
};

/// Writes what `Store::snapshot` shows. One thread at a time, any thread but the judge's: a disk may be slow. The judge
/// waits for it no longer than for any other reader: the time to copy a few thousand heads.
class SnapshotWriter {
 public:
  /// Makes nothing yet: a folder that cannot be made or written is the answer of `write`.
  explicit SnapshotWriter(std::string folder);
  ~SnapshotWriter();
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  /// Always of the same store, after `restore` if there is one. A failure (disk full, read-only, folder gone) leaves
  /// the last good state as it was; the next write that works makes up for it.
  [[nodiscard]] core::Result<SnapshotStats> write(const Store& store, core::TimePoint now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What came back.
struct RestoreReport {
  std::size_t blocks = 0;
  std::size_t series = 0;
  std::size_t samples = 0;
  std::size_t bytes = 0;                   // read
  std::optional<core::TimePoint> written;  // when the folder's state was written
  std::optional<core::TimePoint> newest;   // sample
  std::vector<std::string> notes;          // what was left out and why, one sentence each
};

/// Judge thread, before the first append (blocks may be open already). What is older than the store's retention or
/// later than `now` is left out. A block that is opened under the name that it had goes on where it ended; its series
/// are seen by look-back until they get a sample again, and no staleness marker is written for those that don't: as in
/// a Prometheus that was restarted. Publish afterwards.
[[nodiscard]] RestoreReport restore(const std::string& folder, Store& store, core::TimePoint now);

}  // namespace tocsin::store
