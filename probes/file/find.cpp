#include "file/find.hpp"

#include <dirent.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

namespace tocsin::probes::file {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;

namespace {

constexpr std::size_t max_path = 4096;

struct CloseDir {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

Failure unreadable(const std::string& path, int error) {
  const Outcome outcome = error == EACCES || error == EPERM ? Outcome::auth : Outcome::unexpected;
  return {outcome, Phase::query, "cannot look at " + path + ": " + std::strerror(error)};
}

bool is_absent(int error) { return error == ENOENT || error == ENOTDIR; }

class Finder {
 public:
  explicit Finder(std::size_t most) : most_(most) {}

  /// `folder` is what is settled already (empty: the root), `rest` what is still to be matched.
  Result<void> walk(const std::string& folder, std::string_view rest) {
    while (rest.starts_with('/')) rest.remove_prefix(1);
    if (rest.empty()) return look_at(folder);
    const std::string part(rest.substr(0, rest.find('/')));
    rest.remove_prefix(part.size());
    if (folder.size() + part.size() > max_path) return Failure{Outcome::limit, Phase::query, "a path is too long"};
    if (part.find_first_of("*?[\\") == std::string::npos) return walk(folder + "/" + part, rest);
    return match(folder, part, rest);
  }
  std::vector<Found> take() { return std::move(found_); }

 private:
  Result<void> match(const std::string& folder, const std::string& part, std::string_view rest) {
    const std::unique_ptr<DIR, CloseDir> open(::opendir(folder.empty() ? "/" : folder.c_str()));
    if (!open && is_absent(errno)) return {};
    if (!open) return unreadable(folder, errno);
    while (true) {
      errno = 0;
      const dirent* const entry = ::readdir(open.get());
      if (entry == nullptr) return errno == 0 ? Result<void>() : unreadable(folder, errno);
      const std::string_view name(entry->d_name);
      if (name == "." || name == ".." || ::fnmatch(part.c_str(), entry->d_name, FNM_PERIOD) != 0) continue;
      if (auto done = walk(folder + "/" + std::string(name), rest); !done) return done;
    }
  }

  Result<void> look_at(const std::string& path) {
    struct stat status {};
    if (::stat(path.empty() ? "/" : path.c_str(), &status) != 0) {
      return is_absent(errno) ? Result<void>() : unreadable(path, errno);
    }
    if (found_.size() == most_) {
      return Failure{Outcome::limit, Phase::query, "more than " + std::to_string(most_) + " files match"};
    }
    const double mtime = static_cast<double>(status.st_mtim.tv_sec) + static_cast<double>(status.st_mtim.tv_nsec) / 1e9;
    found_.push_back({path, mtime, static_cast<std::uint64_t>(status.st_size)});
    return {};
  }

  std::size_t most_;
  std::vector<Found> found_;
};

}  // namespace

Result<std::vector<Found>> find_files(const std::string& pattern, std::size_t max_found) {
  Finder finder(max_found);
  if (auto done = finder.walk({}, pattern); !done) return done.error();
  std::vector<Found> found = finder.take();
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.mtime != b.mtime ? a.mtime > b.mtime : a.path < b.path; });
  return found;
}

}  // namespace tocsin::probes::file
