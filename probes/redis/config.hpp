// What CONFIG GET says, as samples.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "redis/info.hpp"
#include "redis/resp.hpp"
#include "redis/series.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::redis {

/// One pattern that every server since 2.8 understands and that matches what is read here (databases, maxclients,
/// maxmemory, io-threads, client-output-buffer-limit, commandlog-*) and few others, above all no passwords: `CONFIG GET
/// *` would bring requirepass and masterauth along.
inline constexpr std::string_view config_pattern = "[cdim][alo][-imtx]*";

/// The parameters of one server. They are asked for seldom and given in every batch.
class ConfigReader {
 public:
  explicit ConfigReader(core::Labels base) : base_(std::move(base)) {}

  /// Takes a reply: names and values in turn. Some servers have nothing to show, in forms of their own.
  void learn(const Reply& reply);
  void forget() { learn({}); }
  /// Adds the samples, apart from those that INFO gave already.
  void append(core::SeriesTable& table, const InfoReader::Facts& given);
  /// How many databases there are, if CONFIG told.
  [[nodiscard]] unsigned databases() const { return databases_; }
  /// 0 where CONFIG did not tell, or told that there is none.
  [[nodiscard]] double maxmemory() const { return maxmemory_; }
  [[nodiscard]] double maxclients() const { return maxclients_; }

 private:
  enum class Kind { other, maxclients, maxmemory, repl_backlog_size };
  struct Setting {
    Kind kind;
    std::string metric;
    std::string client_class;  // empty: it has neither of these two labels
    std::string_view limit;
    double value;
    KnownSeries known;
    [[nodiscard]] bool same_series(const Setting& other) const {
      return metric == other.metric && client_class == other.client_class && limit == other.limit;
    }
  };
  void setting(std::string_view name, std::string_view text);
  void buffer_limits(std::string_view value);
  void add(Setting setting);
  [[nodiscard]] core::Labels labels(const Setting& setting) const;

  core::Labels base_;
  std::vector<Setting> settings_;
  unsigned databases_ = 0;
  double maxmemory_ = 0;
  double maxclients_ = 0;
};

}  // namespace tocsin::probes::redis
