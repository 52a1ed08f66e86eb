// The data folder: one process has it, its files are ours alone, and a damaged database is set aside, never deleted.
#pragma once

#include <optional>
#include <string>

#include "tocsin/core/result.hpp"
#include "tocsin/state/state.hpp"

namespace tocsin::state {

/// A file descriptor that is closed when it goes.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_ = -1;
};

/// A fault of the disk or of what is on it.
[[nodiscard]] core::Failure failure(std::string detail);

/// Makes the folder if it is missing and takes its lock for as long as the descriptor lives.
[[nodiscard]] boost::system::result<Descriptor, Refusal> lock_folder(const std::string& folder);
/// Makes the file with mode 0600, or gives an existing one that mode.
[[nodiscard]] core::Result<void> make_private_file(const std::string& path);
/// Renames the database and what SQLite keeps beside it to `<name>.damaged-<n>`; gives the new name.
[[nodiscard]] core::Result<std::string> set_aside(const std::string& path);
/// Nothing, or what is wrong with the files before SQLite, which would quietly begin anew, has seen them.
[[nodiscard]] std::optional<std::string> lost_content(const std::string& path);
/// Puts the folder's entries on disk, so that a new file outlives a power cut.
void sync_folder(const std::string& folder);

}  // namespace tocsin::state
