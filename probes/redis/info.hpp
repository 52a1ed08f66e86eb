// What INFO (and CLUSTER INFO) says, as samples.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "redis/layout.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/probes/redis.hpp"

namespace tocsin::probes::redis {

/// Where a series' value comes from in an INFO text.
struct Origin {
  enum class Kind : std::uint32_t {
    number,    // a number of the text, divided by `factor`
    constant,  // `factor`, as long as the text has this shape
    start,     // the number is an uptime: when that began
    or_else,   // the number where it is above 0, else `factor`
  };
  Kind kind = Kind::number;
  std::uint32_t number = 0;
  double factor = 1;
};

/// Reads the INFO texts of one server, one after the other. A text of the shape of the one before is read without
/// allocating and without looking anything up (see Layout); any other is interpreted line by line, and its shape
/// learnt.
class InfoReader {
 public:
  /// At most `most` series are made of one text. Servers of one version have most of their shape in common: give their
  /// readers one pool.
  explicit InfoReader(core::Labels base, RedisLimits limits = {}, std::size_t most = 20'000,
                      std::shared_ptr<core::TextPool> texts = nullptr)
      : base_(std::move(base)),
        limits_(limits),
        most_(most),
        texts_(texts ? std::move(texts) : std::make_shared<core::TextPool>()),
        layout_(texts_) {}

  /// Whether the text has a line `key:value`.
  [[nodiscard]] static bool has_fields(std::string_view text);
  /// Adds all samples of the text to the batch. `databases` is how many there are: those without keys are given as 0.
  /// False, and nothing added, if the text has no line `key:value`.
  [[nodiscard]] bool read(std::string_view text, core::TimePoint at, unsigned databases, core::SeriesTable& table);

  /// The commands for which LATENCY HISTOGRAM was told: the sum of each histogram is in INFO.
  void has_histograms(std::span<const std::string> commands);

  /// What the last text said besides numbers.
  struct Facts {
    bool cluster = false;            // cluster_enabled:1
    bool cluster_info = false;       // it has the fields of CLUSTER INFO already (Valkey 9.1)
    bool maxclients = false;         // redis_config_maxclients was given
    bool maxmemory = false;          // redis_config_maxmemory was given
    bool cut = false;                // it had more series than are taken
    std::uint32_t left_out = 0;      // so many of them
    bool repl_backlog_size = false;  // redis_config_repl_backlog_size was given
  };
  [[nodiscard]] const Facts& facts() const { return facts_; }
  /// Whether the last text was read by the shape of the one before.
  [[nodiscard]] bool was_familiar() const { return familiar_; }

 private:
  /// A series of the last shape.
  struct Output {
    std::uint32_t number : 29;
    std::uint32_t kind : 2;
    std::uint32_t has_factor : 1;  // the next of factors_; else it is 1
    core::Slot slot;
    std::uint32_t serial;
  };
  static_assert(sizeof(Output) == 12);
  class Interpreter;

  void remember(std::span<const Output> outputs, std::span<const double> factors);
  [[nodiscard]] bool read_familiar(std::string_view text, core::TimePoint at, core::SeriesTable& table);
  [[nodiscard]] double value(const Origin& origin, std::span<const double> numbers, core::TimePoint at);

  core::Labels base_;
  RedisLimits limits_;
  std::size_t most_;
  std::unordered_set<std::string> histograms_;
  std::shared_ptr<core::TextPool> texts_;  // outlives what it gave
  Layout layout_;
  core::TextPool::Text outputs_, factors_;  // their bytes: servers of one shape mostly have the same slots, too
  std::size_t output_count_ = 0;
  Facts facts_;
  unsigned databases_ = 0;
  bool familiar_ = false;
  double start_time_ = -std::numeric_limits<double>::infinity();
};

}  // namespace tocsin::probes::redis
