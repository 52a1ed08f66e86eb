// INFO line by line: the slow path of InfoReader, and the one that knows what the lines mean.
#pragma once

#include <array>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "redis/info.hpp"
#include "redis/series.hpp"

namespace tocsin::probes::redis {

class InfoReader::Interpreter {
 public:
  Interpreter(InfoReader& reader, std::string_view text, core::TimePoint at, core::SeriesTable& table);
  [[nodiscard]] bool run();

 private:
  /// One of the fields of a line such as `db0:keys=1,expires=0`.
  struct Part {
    std::string_view name;
    std::string_view text;
    std::optional<Origin> number;  // set where the text is one, and was asked for
  };
  /// A command's calls and time, for the summary of its latency.
  struct Command {
    Origin calls;
    Origin usec;
  };
  using Labels = std::initializer_list<LabelPair>;

  void line(std::string_view line);
  void field(std::string_view key, std::string_view value);
  [[nodiscard]] bool in_section(std::string_view key, std::string_view value);
  [[nodiscard]] bool remember(std::string_view key, std::string_view value);
  // Each is told a line that may be its own, and returns whether it was.
  [[nodiscard]] bool command(std::string_view key, std::string_view value);
  [[nodiscard]] bool latency(std::string_view key, std::string_view value);
  [[nodiscard]] bool error(std::string_view key, std::string_view value);
  [[nodiscard]] bool database(std::string_view key, std::string_view value);
  [[nodiscard]] bool replication(std::string_view key, std::string_view value);
  [[nodiscard]] bool replica(std::string_view key, std::string_view value);
  [[nodiscard]] bool sentinel_master(std::string_view key, std::string_view value);
  [[nodiscard]] bool io_thread(std::string_view key, std::string_view value);
  [[nodiscard]] bool cluster(std::string_view key, std::string_view value);
  // What is made from more than one line, when all were read.
  void latency_summaries();
  void empty_databases();
  void instance_info();

  /// The number that a value is; recorded as one that may change.
  [[nodiscard]] std::optional<Origin> number(std::string_view value, double divisor = 1);
  /// A number, or a word that stands for one (ok, fail, ...).
  [[nodiscard]] std::optional<Origin> quantity(std::string_view value, double divisor = 1);
  /// Takes a value apart at its commas. Only the numbers named in `numbers` (all, if empty) may change in the texts to
  /// come.
  [[nodiscard]] std::span<const Part> parts(std::string_view value,
                                            std::initializer_list<std::string_view> numbers = {});
  [[nodiscard]] const Part* part(std::string_view name) const;
  void emit(std::string_view metric, Labels labels, const Origin& origin);
  void emit_part(std::string_view name, std::string_view metric, Labels labels, double divisor = 1);
  [[nodiscard]] std::string_view said(std::string_view key) const;

  InfoReader& reader_;
  std::string_view text_;
  core::TimePoint at_;
  core::SeriesTable& table_;
  std::string_view section_;
  std::size_t fields_ = 0;
  std::vector<double> numbers_;
  std::vector<Output> outputs_;
  std::vector<double> factors_;
  std::vector<Part> parts_;
  std::vector<std::pair<std::string_view, std::string_view>> remembered_;
  std::string_view master_host_, master_port_;
  std::unordered_map<std::string_view, Command> commands_;
  std::vector<std::pair<std::string_view, std::vector<Part>>> latencies_;
  std::unordered_set<std::string_view> databases_;
  std::unordered_set<std::uint64_t> given_;  // hashes of the labels that have a sample already
};

}  // namespace tocsin::probes::redis
