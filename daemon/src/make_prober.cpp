#include "src/make_prober.hpp"

#include <utility>
#include <variant>

namespace tocsin::daemon {

std::unique_ptr<probes::Prober> make_prober(net::Connector& connector, const net::Executor& executor, std::uint32_t id,
                                            const TargetConfig& config) {
  probes::Identity identity{id, config.kind, config.display, config.labels};
  if (const auto* redis = std::get_if<probes::RedisOptions>(&config.options)) {
    return probes::make_redis_prober(connector, executor, std::move(identity), *redis);
  }
  return probes::make_http_prober(connector, executor, std::move(identity),
                                  std::get<probes::HttpOptions>(config.options));
}

}  // namespace tocsin::daemon
