#include "redis/sentinel.hpp"

#include <utility>

namespace tocsin::probes::redis {
namespace {

constexpr std::size_t most_primaries = 256;
constexpr std::size_t longest_name = 256;

struct Setting {
  std::string_view key;
  Shape shape;
  double divisor;
};
constexpr std::array<std::string_view, 4> of_primary{"master_name", "master_address"};
constexpr Setting settings[] = {
    {"quorum", {"redis_sentinel_master_setting_ckquorum", of_primary}, 1},
    {"failover-timeout", {"redis_sentinel_master_setting_failover_timeout", of_primary}, 1},
    {"parallel-syncs", {"redis_sentinel_master_setting_parallel_syncs", of_primary}, 1},
    {"down-after-milliseconds", {"redis_sentinel_master_setting_down_after_milliseconds", of_primary}, 1},
    {"config-epoch", {"redis_sentinel_master_config_epoch", of_primary}, 1},
    {"last-ok-ping-reply", {"redis_sentinel_master_last_ok_ping_reply_seconds", of_primary}, 1e3},
};
constexpr Shape ok_sentinels{"redis_sentinel_master_ok_sentinels", of_primary};
constexpr Shape ok_replicas{"redis_sentinel_master_ok_slaves", of_primary};
constexpr Shape quorum_status{"redis_sentinel_master_ckquorum_status", {"master_name", "message"}};

/// How many of these are not taken for down.
std::size_t count_well(const Reply& reply) {
  std::size_t count = 0;
  for (const Reply one : reply) {
    const auto flags = one.get("flags").text();
    const bool down = flags.find("s_down") != std::string_view::npos || flags.find("o_down") != std::string_view::npos;
    if (one.is_list() && !down) ++count;
  }
  return count;
}

}  // namespace

void SentinelReader::primaries(const Reply& reply) {
  primaries_.clear();
  names_.clear();
  for (const Reply one : reply) {
    Primary primary;
    const auto name = one.get("name").text();
    if (name.empty() || name.size() > longest_name || primaries_.size() >= most_primaries) continue;
    primary.name = name;
    primary.address = label_text(one.get("ip").text()) + ":" + label_text(one.get("port").text());
    for (const Setting& setting : settings) {
      const auto value = one.get(setting.key).number();
      if (value) primary.numbers.emplace_back(&setting.shape, *value / setting.divisor);
    }
    names_.push_back(primary.name);
    primaries_.push_back(std::move(primary));
  }
}

void SentinelReader::sentinels(std::size_t number, const Reply& reply) {
  // The one that answers is not in its list.
  if (number < primaries_.size() && reply.is_list()) {
    primaries_[number].ok_sentinels = static_cast<double>(count_well(reply) + 1);
  }
}

void SentinelReader::replicas(std::size_t number, const Reply& reply) {
  if (number < primaries_.size() && reply.is_list()) {
    primaries_[number].ok_replicas = static_cast<double>(count_well(reply));
  }
}

void SentinelReader::quorum(std::size_t number, bool reached, std::string_view message) {
  if (number >= primaries_.size()) return;
  primaries_[number].quorum = reached;
  primaries_[number].quorum_message = label_text(message);
}

void SentinelReader::forget() {
  primaries_.clear();
  names_.clear();
}

void SentinelReader::append(core::SeriesTable& table) {
  samples_.begin();
  for (const Primary& primary : primaries_) {
    for (const auto& [shape, value] : primary.numbers) samples_.add(*shape, {primary.name, primary.address}, value);
    if (primary.ok_sentinels) samples_.add(ok_sentinels, {primary.name, primary.address}, *primary.ok_sentinels);
    if (primary.ok_replicas) samples_.add(ok_replicas, {primary.name, primary.address}, *primary.ok_replicas);
    if (primary.quorum) {
      samples_.add(quorum_status, {primary.name, primary.quorum_message}, *primary.quorum ? 1 : 0);
    }
  }
  samples_.end();
  samples_.append(table);
}

}  // namespace tocsin::probes::redis
