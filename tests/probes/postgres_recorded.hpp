// What real servers answered to the collectors' questions, and what the collectors make of it.
#pragma once

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "postgres/collector.hpp"
#include "support/temp_dir.hpp"

namespace tocsin::test {

namespace pg = probes::postgres;

/// The samples of the collectors, by the text of their series.
class Collected {
 public:
  explicit Collected(core::Labels base = {}) : samples_(std::move(base)) {
    table_.begin();
    samples_.begin(table_);
  }
  bool read(const pg::Collector& collector, const pg::Rows& rows, const pg::ServerInfo& server = {}) {
    samples_.section(collector.name());
    return collector.read(rows, server, samples_);
  }
  std::map<std::string, double> take() {
    std::map<std::string, double> values;
    const auto batch = table_.take();
    for (const auto& row : batch.rows) {
      if (!values.emplace(table_.labels(row.slot).to_string(), row.value).second) {
        throw std::runtime_error("given twice: " + table_.labels(row.slot).to_string());
      }
    }
    table_.begin();
    return values;
  }

 private:
  core::SeriesTable table_;
  pg::Samples samples_;
};

[[nodiscard]] inline std::vector<std::unique_ptr<pg::Collector>> every_collector(probes::PostgresOptions options = {}) {
  for (const auto& collector : probes::postgres_collector_names()) options.collectors_on.emplace_back(collector.name);
  return pg::make_collectors(options);
}

[[nodiscard]] inline std::unique_ptr<pg::Collector> one_collector(std::string_view name,
                                                                  probes::PostgresOptions options = {}) {
  for (auto& collector : every_collector(std::move(options))) {
    if (collector->name() == name) return std::move(collector);
  }
  throw std::runtime_error("no collector " + std::string(name));
}

[[nodiscard]] inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells{""};
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\t') {
      cells.emplace_back();
    } else if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] != 'N') {
      ++i;
      cells.back() += line[i] == 't' ? '\t' : line[i] == 'n' ? '\n' : line[i];
    } else {
      cells.back() += line[i];
    }
  }
  return cells;
}

/// tests/probes/data/postgres/VERSION.tsv
struct Recording {
  pg::ServerInfo server;
  std::map<std::string, pg::OwnedRows> answers;  // by collector

  explicit Recording(int version) {
    const auto path = std::string(TOCSIN_SOURCE_DIR "/tests/probes/data/postgres/") + std::to_string(version) + ".tsv";
    std::ifstream in(path);
    std::string collector;
    std::vector<std::vector<std::string>> lines;
    const auto done = [&] {
      if (!collector.empty()) answers.emplace(collector, rows_of(lines));
      lines.clear();
    };
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("# version_num ")) {
        server.version_num = std::stoi(line.substr(14));
      } else if (line.starts_with("## ")) {
        done();
        collector = line.substr(3);
      } else if (!line.starts_with("# ")) {
        lines.push_back(cells_of(line));
      }
    }
    done();
    server.server = "db:5432";
    server.database = "app";
    if (server.version_num == 0) throw std::runtime_error("cannot read " + path);
  }

 private:
  static pg::OwnedRows rows_of(const std::vector<std::vector<std::string>>& lines) {
    std::vector<std::vector<std::optional<std::string>>> rows;
    for (std::size_t i = 1; i < lines.size(); ++i) {
      auto& row = rows.emplace_back();
      for (const std::string& cell : lines[i]) row.push_back(cell == "\\N" ? std::nullopt : std::optional(cell));
    }
    return pg::make_rows(lines.at(0), rows);
  }
};

/// All samples of a recording.
[[nodiscard]] inline std::map<std::string, double> collected_from(const Recording& recording,
                                                                  const probes::PostgresOptions& options = {}) {
  Collected collected;
  for (const auto& collector : every_collector(options)) {
    const auto answer = recording.answers.find(std::string(collector->name()));
    if (answer == recording.answers.end()) continue;
    if (!collected.read(*collector, answer->second.rows, recording.server)) {
      throw std::runtime_error("not read: " + answer->first);
    }
  }
  return collected.take();
}

inline std::string metric_of(const std::string& series) { return series.substr(0, series.find('{')); }

inline std::set<std::string> metrics_of(const std::map<std::string, double>& values) {
  std::set<std::string> names;
  for (const auto& [series, value] : values) names.insert(metric_of(series));
  return names;
}

}  // namespace tocsin::test
