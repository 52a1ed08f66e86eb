// Writes the samples to disk every few seconds, on a thread of its own: a disk may be slow.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "src/log.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/store/snapshot.hpp"

namespace tocsin::daemon {

struct SnapshotStatus {
  std::optional<core::TimePoint> written;  // when the last good one was
  double took_seconds = 0;
  std::uint64_t failures = 0;
  std::size_t on_disk = 0;  // bytes
};

class Snapshots {
 public:
  using Clock = std::function<core::TimePoint()>;
  /// What is lost at a kill came in this time, and the time that a write takes.
  static constexpr std::chrono::seconds interval{8};

  Snapshots(std::string folder, const store::Store& store, Clock clock, Log log);
  ~Snapshots();
  Snapshots(const Snapshots&) = delete;
  Snapshots& operator=(const Snapshots&) = delete;

  /// From any thread, once: the first write comes an interval later.
  void start();
  /// Writes once more and ends the thread.
  void stop();
  /// From any thread.
  [[nodiscard]] SnapshotStatus status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::daemon
