#include "src/make_prober.hpp"

#include <array>
#include <stdexcept>
#include <utility>
#include <variant>

namespace tocsin::daemon {
namespace {

struct Tools {
  ProberTools shared;
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

Made make(Tools tools, const probes::PostgresOptions& options) {
  return probes::make_postgres_prober(tools.connector, tools.executor, std::move(tools.identity), options);
}

Made make(Tools tools, const probes::KafkaOptions& options) {
  return probes::make_kafka_prober(tools.connector, tools.executor, std::move(tools.identity), options);
}
Made make(Tools tools, const probes::GrpcOptions& options) {
  return probes::make_grpc_prober(tools.connector, tools.executor, std::move(tools.identity), options);
}
Made make(Tools tools, const probes::MetricsOptions& options) {
  return probes::make_metrics_prober(tools.connector, tools.executor, std::move(tools.identity), options);
}
Made make(Tools tools, const probes::FileOptions& options) {
  if (tools.shared.files == nullptr) throw std::invalid_argument("no pool for file probes");
  return probes::make_file_prober(*tools.shared.files, std::move(tools.identity), options);
}
Made make(Tools tools, const probes::ExecOptions& options) {
  return probes::make_exec_prober(tools.executor, std::move(tools.identity), options);
}
Made make(Tools tools, const probes::PushOptions& options) {
  if (tools.shared.pushes == nullptr) throw std::invalid_argument("no box for push probes");
  return probes::make_push_prober(*tools.shared.pushes, tools.executor, std::move(tools.identity), options);
}

Made make(Tools tools, const probes::TcpOptions& options) {
  return probes::make_tcp_prober(tools.connector, tools.executor, std::move(tools.identity), options);
}
Made make(Tools tools, const probes::WebsocketOptions& options) {
  return probes::make_websocket_prober(tools.connector, tools.executor, std::move(tools.identity), options);
}
Made make(Tools tools, const probes::DnsOptions& options) {
  return probes::make_dns_prober(tools.connector, tools.executor, std::move(tools.identity), options);
}
Made make(Tools tools, const probes::IcmpOptions& options) {
  return probes::make_icmp_prober(tools.connector, tools.executor, std::move(tools.identity), options);
}

struct Described {
  std::string_view kind;
  std::span<const core::MetricMeta> (*metadata)();
};
constexpr std::array<Described, 13> described{{{"redis", probes::redis_metadata},
                                               {"http", probes::http_metadata},
                                               {"postgres", probes::postgres_metadata},
                                               {"kafka", probes::kafka_metadata},
                                               {"grpc", probes::grpc_metadata},
                                               {"metrics", probes::metrics_metadata},
                                               {"file", probes::file_metadata},
                                               {"exec", probes::exec_metadata},
                                               {"push", probes::push_metadata},
                                               {"tcp", probes::tcp_metadata},
                                               {"websocket", probes::websocket_metadata},
                                               {"dns", probes::dns_metadata},
                                               {"icmp", probes::icmp_metadata}}};

}  // namespace

std::unique_ptr<probes::Prober> make_prober(ProberTools shared, const net::Executor& executor, std::uint32_t id,
                                            const TargetConfig& config) {
  Tools tools{shared, shared.connector, executor, {id, config.kind, config.display, config.labels, shared.texts}};
  return std::visit([&tools](const auto& options) { return make(std::move(tools), options); }, *config.options);
}

bool needs_tools(const TargetConfig& config) {
  return std::holds_alternative<probes::FileOptions>(*config.options) ||
         std::holds_alternative<probes::PushOptions>(*config.options);
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
