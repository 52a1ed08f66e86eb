// What a probe learns besides INFO: CONFIG, CLUSTER INFO, LATENCY, SLOWLOG, COMMANDLOG, SENTINEL.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/capability.hpp"
#include "redis/config.hpp"
#include "redis/info.hpp"
#include "redis/round.hpp"
#include "redis/samples.hpp"
#include "redis/sentinel.hpp"
#include "redis/server.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::redis {

/// Decides what is to be asked beside INFO and keeps the answers until they are asked for again.
class Details final : public Answers {
 public:
  Details(const core::Labels& base, const CommandNames& names, const RedisLimits& limits, bool histograms,
          const std::shared_ptr<core::TextPool>& texts = nullptr);

  /// When a probe begins. Its answers bear that time.
  void begin(core::TimePoint at, bool fresh) { at_ = at, fresh_ = fresh; }
  /// What to ask a server of this kind now. `connected`: on a new connection.
  [[nodiscard]] std::vector<Question> wanted(const Server& server, bool connected) const;
  /// Questions about each primary, if what there is to know about them is not known yet.
  [[nodiscard]] bool sentinel_moved() const { return asked_primaries_ != sentinel_.names(); }
  /// Puts the questions about each known primary; their names are then those asked about.
  void ask_about_primaries(Questions& questions);
  /// Another server than before: what the one before said and refused is forgotten.
  void forget();

  void answered(Questions::Asked asked, const Reply& reply) override;
  void refused(Questions::Asked asked, std::string_view error) override;

  [[nodiscard]] unsigned databases() const { return config_.databases(); }
  /// Of the last CLUSTER INFO; empty if there was none.
  [[nodiscard]] const std::string& cluster_text() const { return cluster_; }
  /// The commands that have a histogram; and whether they changed since that was last asked.
  [[nodiscard]] const std::vector<std::string>& histograms() const { return histogram_names_; }
  [[nodiscard]] bool histograms_changed() { return std::exchange(histograms_changed_, false); }

  void append(core::SeriesTable& table, const InfoReader::Facts& given);

 private:
  [[nodiscard]] bool due(Question question, bool connected) const;
  void latest(const Reply& reply);
  void histogram(const Reply& reply);
  void slowest(const Reply& reply);
  void numbers(const InfoReader::Facts& given);

  const CommandNames& names_;
  RedisLimits limits_;
  bool wants_histograms_;
  core::TimePoint at_;
  bool fresh_ = false;
  Capabilities capabilities_;
  ConfigReader config_;
  std::optional<core::TimePoint> config_asked_;
  std::string cluster_;
  Samples latest_;
  Samples histogram_;
  std::vector<std::string> histogram_names_;
  bool histograms_changed_ = false;
  std::optional<double> slowlog_length_, slowlog_id_, slowest_seconds_;
  std::optional<double> commandlog_[3];  // slow, large-request, large-reply
  Samples numbers_;
  SentinelReader sentinel_;
  std::vector<std::string> asked_primaries_;
};

}  // namespace tocsin::probes::redis
