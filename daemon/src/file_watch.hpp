// Waiting for files to change.
#pragma once

#include <string>
#include <vector>

#include "tocsin/net/loop.hpp"
#include "tocsin/net/readiness.hpp"

namespace tocsin::daemon {

/// The folders in which files of these patterns can come, change and go. Where the system gives no watch (too many of
/// them), waiting just takes its time.
class FileWatch {
 public:
  FileWatch(net::Executor executor, const std::vector<std::string>& patterns);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  /// Until something has changed in one of the folders, or the deadline. False if it was cancelled.
  [[nodiscard]] net::Task<bool> wait(core::Deadline deadline);

 private:
  void drain();
  int inotify_ = -1;
  net::Readiness readiness_;
};

}  // namespace tocsin::daemon
