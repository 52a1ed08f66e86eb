#include "postgres/databases.hpp"

#include <fnmatch.h>

#include <algorithm>

namespace tocsin::probes::postgres {

std::optional<std::string> DatabaseList::query(const ServerInfo& /*server*/, unsigned attempt) const {
  if (attempt > 0) return std::nullopt;
  return "SELECT datname FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate AND "
         "pg_catalog.has_database_privilege(datname, 'CONNECT') ORDER BY datname LIMIT 10000";
}

bool DatabaseList::read(const Rows& rows, const ServerInfo& /*server*/, Samples& /*samples*/) const {
  if (rows.columns.size() != 1) return false;
  found_.clear();
  for (std::size_t row = 0; row < rows.size(); ++row) found_.emplace_back(rows.text(row, 0));
  return true;
}

bool is_wanted(const PostgresOptions& options, const std::string& database) {
  if (options.databases == PostgresOptions::Databases::connected) return false;
  if (options.databases == PostgresOptions::Databases::all) return true;
  return std::any_of(options.database_patterns.begin(), options.database_patterns.end(),
                     [&](const std::string& pattern) { return ::fnmatch(pattern.c_str(), database.c_str(), 0) == 0; });
}

void Databases::update(const std::vector<std::string>& names, std::string_view main, Samples& samples) {
  const auto there = [&](const Entry& entry) {
    return entry.name != main && std::find(names.begin(), names.end(), entry.name) != names.end();
  };
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (there(*entry)) {
      ++entry;
      continue;
    }
    for (const Turn& turn : entry->questions.turns()) samples.drop(turn.section);
    entry = entries_.erase(entry);
  }
  for (const std::string& name : names) {
    if (entries_.size() >= options_.max_databases) break;
    if (name == main || !is_wanted(options_, name)) continue;
    const bool known = std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == name; });
    if (known) continue;
    entries_.push_back({name, Questions(collectors_, Questions::Place::other_database, name), {}, false, {}, {}, {}});
  }
}

std::vector<Databases::Entry*> Databases::due(core::TimePoint at, bool fresh, Samples& samples) {
  std::vector<Entry*> due;
  for (Entry& entry : entries_) {
    // A little before its time rather than a whole interval after it.
    const bool now =
        fresh || !entry.asked_at || at - *entry.asked_at + std::chrono::milliseconds(500) >= options_.databases_every;
    if (now) {
      due.push_back(&entry);
    } else {
      entry.questions.repeat(samples);
    }
  }
  std::stable_sort(due.begin(), due.end(), [](const Entry* a, const Entry* b) { return a->asked_at < b->asked_at; });
  return due;
}

const Databases::Entry* Databases::failed() const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [](const Entry& e) { return e.asked_at && !e.success; });
  return found == entries_.end() ? nullptr : &*found;
}

std::vector<DatabaseState> Databases::states(core::TimePoint at) const {
  std::vector<DatabaseState> states;
  for (const Entry& entry : entries_) {
    states.push_back({entry.name, entry.success, entry.read_at ? core::to_seconds(at - *entry.read_at) : -1});
  }
  return states;
}

}  // namespace tocsin::probes::postgres
