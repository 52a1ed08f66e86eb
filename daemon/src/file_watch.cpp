#include "src/file_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <set>

namespace tocsin::daemon {

FileWatch::FileWatch(net::Executor executor, const std::vector<std::string>& patterns)
    : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), readiness_(std::move(executor)) {
  if (inotify_ < 0) return;
  std::set<std::string> folders;
  for (const std::string& pattern : patterns) folders.insert(std::filesystem::path(pattern).parent_path().string());
  constexpr std::uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB;
  for (const std::string& folder : folders) ::inotify_add_watch(inotify_, folder.c_str(), events);
  if (!readiness_.attach(inotify_)) {
    ::close(inotify_);
    inotify_ = -1;
  }
}

FileWatch::~FileWatch() {
  readiness_.release();
  if (inotify_ >= 0) ::close(inotify_);
}

net::Task<bool> FileWatch::wait(core::Deadline deadline) {
  if (inotify_ < 0) co_return co_await net::sleep_until(deadline);
  const net::Ready ready = co_await readiness_.readable(deadline);
  drain();
  co_return ready != net::Ready::cancelled;
}

void FileWatch::drain() {
  std::array<char, 4096> events{};
  while (::read(inotify_, events.data(), events.size()) > 0) {
  }
}

}  // namespace tocsin::daemon
