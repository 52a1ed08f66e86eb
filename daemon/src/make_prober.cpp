#include "src/make_prober.hpp"

#include <array>
#include <utility>
#include <variant>

namespace tocsin::daemon {
namespace {

struct Tools {
  net::Connector& connector;
  net::Executor executor;
  probes::Identity identity;
};
using Made = std::unique_ptr<probes::Prober>;

Made make(Tools tools, const probes::RedisOptions& options) {
  return probes::make_redis_prober(tools.connector, tools.executor, std::move(tools.identity), options);
}
Made make(Tools tools, const probes::HttpOptions& options) {
  return probes::make_http_prober(tools.connector, tools.executor, std::move(tools.identity), options);
}

struct Described {
  std::string_view kind;
  std::span<const core::MetricMeta> (*metadata)();
};
constexpr std::array<Described, 2> described{{{"redis", probes::redis_metadata}, {"http", probes::http_metadata}}};

}  // namespace

std::unique_ptr<probes::Prober> make_prober(net::Connector& connector, const net::Executor& executor, std::uint32_t id,
                                            const TargetConfig& config) {
  Tools tools{connector, executor, {id, config.kind, config.display, config.labels}};
  return std::visit([&tools](const auto& options) { return make(std::move(tools), options); }, config.options);
}

std::vector<core::MetricMeta> metadata_of(std::string_view kind) {
  const auto common = probes::common_metadata();
  std::vector<core::MetricMeta> all(common.begin(), common.end());
  for (const Described& one : described) {
    if (one.kind != kind && !kind.empty()) continue;
    const auto own = one.metadata();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

}  // namespace tocsin::daemon
