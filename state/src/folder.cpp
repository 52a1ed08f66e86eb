#include "src/folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace tocsin::state {
namespace {

std::string words(int error) { return std::generic_category().message(error); }

/// The process id that the holder of the lock wrote into it, in words; empty if there is none.
std::string holder(int lock) {
  std::array<char, 32> text{};
  const ssize_t length = ::pread(lock, text.data(), text.size() - 1, 0);
  std::string number;
  for (ssize_t i = 0;
       i < length && text[static_cast<std::size_t>(i)] >= '0' && text[static_cast<std::size_t>(i)] <= '9'; ++i) {
    number += text[static_cast<std::size_t>(i)];
  }
  return number.empty() ? "" : " (process " + number + ")";
}

void write_holder(int lock) {
  const std::string text = std::to_string(::getpid()) + "\n";
  // Only a help for people: a failure to write it changes nothing.
  if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, text.data(), text.size(), 0) < 0) return;
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

}  // namespace

core::Failure failure(std::string detail) {
  return core::Failure{core::Outcome::internal, core::Phase::none, std::move(detail)};
}

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

boost::system::result<Descriptor, Refusal> lock_folder(const std::string& folder) {
  const auto unusable = [](std::string detail) { return Refusal{Refusal::Why::unusable, std::move(detail)}; };
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return unusable("cannot make the data folder " + folder + ": " + words(errno) +
                    " (make it, owned by the user that tocsin runs as, or give another one)");
  }
  const std::string path = folder + "/tocsin.lock";
  Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock.get() < 0) {
    return unusable("cannot write to the data folder " + folder + ": " + words(errno) +
                    " (it must belong to the user that tocsin runs as, and be writable)");
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return Refusal{Refusal::Why::in_use, "the data folder " + folder + " is in use by another tocsin" +
                                               holder(lock.get()) +
                                               " (stop that one, or give this one a folder of its own)"};
    }
    return unusable("cannot lock " + path + ": " + words(errno) +
                    " (the data folder must be on a file system with locks)");
  }
  write_holder(lock.get());
  return lock;
}

core::Result<void> make_private_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0)
    return failure("cannot write " + path + ": " + words(errno) + " (is it owned by the user that tocsin runs as?)");
  if (::fchmod(file.get(), 0600) != 0) return failure("cannot make " + path + " private: " + words(errno));
  return {};
}

core::Result<std::string> set_aside(const std::string& path) {
  int number = 1;
  while (exists(path + ".damaged-" + std::to_string(number))) {
    if (++number > 10'000)
      return failure("there are too many " + path + ".damaged-* files (remove what is not needed)");
  }
  const std::string suffix = ".damaged-" + std::to_string(number);
  for (const std::string& part : {std::string(), std::string("-wal"), std::string("-shm")}) {
    const std::string from = path + part;
    if (!exists(from)) continue;
    const std::string to = path + suffix + part;
    if (::rename(from.c_str(), to.c_str()) != 0) return failure("cannot set " + from + " aside: " + words(errno));
  }
  return path + suffix;
}

std::optional<std::string> lost_content(const std::string& path) {
  struct stat log {};
  if (::stat((path + "-wal").c_str(), &log) != 0 || log.st_size == 0) return std::nullopt;
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return "it is gone, but its log is there";
  if (file.st_size == 0) return "it is empty, but its log is not";
  return std::nullopt;
}

void sync_folder(const std::string& folder) {
  const Descriptor handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.get() >= 0) ::fsync(handle.get());
}

}  // namespace tocsin::state
