// The databases of a server beside the main one: which there are, and whose turn it is. No I/O here.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postgres/questions.hpp"
#include "postgres/scrape.hpp"

namespace tocsin::probes::postgres {

/// Asks which databases there are that we may connect to; gives no samples.
class DatabaseList final : public Collector {
 public:
  /// `found` gets their names.
  explicit DatabaseList(std::vector<std::string>& found) : found_(found) {}
  [[nodiscard]] std::string_view name() const override { return "databases"; }
  [[nodiscard]] std::optional<std::string> query(const ServerInfo& server, unsigned attempt) const override;
  [[nodiscard]] bool read(const Rows& rows, const ServerInfo& server, Samples& samples) const override;

 private:
  std::vector<std::string>& found_;
};

/// Whether a name is wanted: all, or one of the patterns matches.
[[nodiscard]] bool is_wanted(const PostgresOptions& options, const std::string& database);

class Databases {
 public:
  struct Entry {
    std::string name;
    Questions questions;
    ServerInfo server;
    bool success = false;
    std::string failure;                      // why it could not be asked
    std::optional<core::TimePoint> asked_at;  // also in vain
    std::optional<core::TimePoint> read_at;
  };

  Databases(const Collectors& collectors, const PostgresOptions& options)
      : collectors_(collectors), options_(options) {}

  /// These are there now; what has gone is forgotten, with its samples. `main` is not among them.
  void update(const std::vector<std::string>& names, std::string_view main, Samples& samples);
  /// Who is to be asked in this probe, in the order of who waits longest. The others' samples are given once more.
  [[nodiscard]] std::vector<Entry*> due(core::TimePoint at, bool fresh, Samples& samples);
  /// The first that could not be asked; null if there is none.
  [[nodiscard]] const Entry* failed() const;
  [[nodiscard]] std::vector<DatabaseState> states(core::TimePoint at) const;

 private:
  const Collectors& collectors_;
  const PostgresOptions& options_;
  std::list<Entry> entries_;
};

}  // namespace tocsin::probes::postgres
