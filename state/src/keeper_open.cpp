// How the keeper comes by its database.
#include <sys/stat.h>

#include <utility>

#include "src/keeper.hpp"
#include "src/schema.hpp"

namespace tocsin::state {
SqlResult<void> Keeper::open_files() {
  auto books = Books::open(path_);
  if (!books) return books.error();
  auto remembered = load_journal((*books)->database());
  if (!remembered) return remembered.error();
  std::size_t unreadable = 0;
  auto recalled = load_ledger((*books)->database(), unreadable);
  if (!recalled) return recalled.error();
  auto reader = open_reader(path_);
  if (!reader) return reader.error();
  auto checked = open_reader(path_);
  if (!checked) return checked.error();
  books_ = std::move(*books);
  remembered_ = std::move(*remembered);
  recalled_ = std::move(*recalled);
  reader_ = std::move(*reader);
  checked_ = std::move(*checked);
  if (unreadable > 0) remembered_.note = std::to_string(unreadable) + " rows of what is owed cannot be read";
  return {};
}

core::Result<std::string> Keeper::begin_anew(const std::string& why) {
  {
    // Nobody may have the old file open when it gets its other name: SQLite's files belong together by name.
    const std::lock_guard guard(reader_mutex_);
    books_.reset();
    reader_ = Database();
  }
  auto aside = set_aside(path_);
  if (!aside) return aside.error();
  ++damaged_;
  aside_ = std::move(*aside);
  damage_ = why;
  return open_new();
}

core::Result<std::string> Keeper::open_new() {
  if (const auto made = make_private_file(path_); !made) return made.error();
  auto books = Books::open(path_);
  if (!books) return failure("cannot begin " + path_ + " anew: " + books.error().text);
  if (history_time_) (*books)->keep_history_for(*history_time_);
  const std::string lost = aside_.empty() ? "" : salvage(aside_, (*books)->database());
  auto reader = open_reader(path_);
  if (!reader) return failure("cannot begin " + path_ + " anew: " + reader.error().text);
  const std::lock_guard guard(reader_mutex_);
  books_ = std::move(*books);
  reader_ = std::move(*reader);
  return path_ + " is damaged (" + damage_ + "); it was set aside as " + aside_ +
         " and a new one begun; lost: " + (lost.empty() ? "nothing that could be seen" : lost);
}

boost::system::result<std::unique_ptr<Keeper>, Refusal> Keeper::open(const std::string& folder, StateOptions options) {
  const auto unusable = [](std::string detail) { return Refusal{Refusal::Why::unusable, std::move(detail)}; };
  auto lock = lock_folder(folder);
  if (!lock) return lock.error();
  std::unique_ptr<Keeper> keeper(new Keeper(folder + "/tocsin.db", std::move(options)));
  keeper->lock_ = std::move(*lock);

  std::string note;
  std::optional<std::string> damage = lost_content(keeper->path_);
  if (!damage) {
    if (const auto made = make_private_file(keeper->path_); !made) return unusable(made.error().detail);
    const auto done = keeper->open_files();
    if (!done && done.error().code == SQLITE_MISMATCH) {
      return Refusal{Refusal::Why::newer, "cannot open " + keeper->path_ + ": " + done.error().text};
    }
    if (!done && !is_damage(done.error())) return unusable("cannot open " + keeper->path_ + ": " + done.error().text);
    if (!done) damage = done.error().text;
  }
  if (damage) {
    auto begun = keeper->begin_anew(*damage);
    if (!begun) return unusable(begun.error().detail);
    note = std::move(*begun);
    if (const auto done = keeper->open_files(); !done)
      return unusable("cannot open " + keeper->path_ + ": " + done.error().text);
  }
  if (!note.empty()) keeper->remembered_.note = std::move(note);
  sync_folder(folder);
  keeper->start();
  return keeper;
}

}  // namespace tocsin::state
