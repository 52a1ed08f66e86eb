// The configuration as values: what a file says, with every default filled in.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tocsin/actions/spec.hpp"
#include "tocsin/alerts/notifier.hpp"
#include "tocsin/core/fields.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/core/source.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/daemon/config/maintenance.hpp"
#include "tocsin/probes/dns.hpp"
#include "tocsin/probes/exec.hpp"
#include "tocsin/probes/file.hpp"
#include "tocsin/probes/grpc.hpp"
#include "tocsin/probes/http.hpp"
#include "tocsin/probes/icmp.hpp"
#include "tocsin/probes/kafka.hpp"
#include "tocsin/probes/metrics.hpp"
#include "tocsin/probes/postgres.hpp"
#include "tocsin/probes/push.hpp"
#include "tocsin/probes/redis.hpp"
#include "tocsin/probes/tcp.hpp"
#include "tocsin/probes/websocket.hpp"

namespace tocsin::daemon {

namespace model {
struct Probe;
}  // namespace model

struct GlobalConfig {
  core::Duration probe_interval{std::chrono::seconds{15}};
  core::Duration probe_timeout{std::chrono::seconds{2}};
  core::Duration confirm{500};
  core::Duration reconnect{std::chrono::minutes{5}};
  core::Duration evaluation_interval{std::chrono::seconds{15}};
  core::Duration evaluation_timeout{std::chrono::seconds{10}};
  core::Duration resend_delay{std::chrono::minutes{1}};
  core::Duration for_outage_tolerance{std::chrono::hours{1}};
  std::size_t max_probes = 1000;  // under way at a time
  std::size_t max_probes_per_host = 50;
  core::Labels external_labels;
  std::string external_url;  // empty: made of host name and port
};

/// What may be spent on asking, in a period that begins at midnight UTC (or at the full hour).
struct BudgetConfig {
  std::string share;  // targets with the same name spend from one budget
  std::uint64_t commands = 0;
  core::Duration per{0};
};

/// One target of one job, ready to be probed.
/// What one of the kinds asks to know.
using ProbeOptions = std::variant<probes::RedisOptions, probes::HttpOptions, probes::PostgresOptions,
                                  probes::KafkaOptions, probes::GrpcOptions, probes::MetricsOptions,
                                  probes::FileOptions, probes::ExecOptions, probes::PushOptions, probes::TcpOptions,
                                  probes::WebsocketOptions, probes::DnsOptions, probes::IcmpOptions>;

struct TargetConfig {
  core::Duration interval{0};
  core::Duration timeout{0};
  core::Duration confirm{0};
  core::Duration reconnect{0};
  bool sentinel = true;  // watch the idle connection (HTTP: off by default)
  std::string job;
  std::string kind;     // "redis", "http", ...
  std::string display;  // without user info and query
  core::Labels labels;  // job, instance, and the configured ones
  std::optional<BudgetConfig> budget;
  /// Set for a service that sleeps and is not kept awake: after how long, and how long it may take to wake up.
  std::optional<core::Duration> sleeps_after;
  core::Duration cold_start{0};
  std::shared_ptr<const ProbeOptions> options;  // copies share them
  core::Position at;
  /// Everything that, when it changes, makes this another target: two configurations with equal fingerprints keep the
  /// prober running.
  std::string fingerprint;
  std::string section_digest;  // the same of all but its own text
};

/// A job: what it takes to make a target of it whenever one is found.
struct JobConfig {
  struct DnsNames {
    std::vector<std::string> names;
    std::string type;        // SRV, A or AAAA
    std::uint16_t port = 0;  // for A and AAAA
    core::Duration refresh{0};
  };
  std::string name;
  std::shared_ptr<const model::Probe> section;
  std::vector<std::string> file_sd;  // absolute patterns
  std::vector<DnsNames> dns_sd;
  std::vector<std::string> allow_targets;  // anchored RE2
  std::string digest;                      // of the section: as long as it stays the same, so does what was found
};

struct StorageConfig {
  std::string path;                         // empty: nothing is kept on disk
  std::optional<core::Duration> retention;  // none: "auto"
  std::size_t max_series = 1'000'000;
  std::size_t memory_limit = 512ULL * 1024 * 1024;
  core::Duration history{std::chrono::hours{30 * 24}};  // how long it is kept
};

/// What is reached as long as tocsin has a network: while none of these answers, tocsin itself is cut off.
struct ConnectivityConfig {
  std::vector<TargetConfig> targets;  // none: it is not checked
  core::Duration interval{std::chrono::seconds{15}};
  core::Duration timeout{std::chrono::seconds{1}};
};

/// Who may use the port: names and bcrypt hashes of passwords.
using WebUsers = std::vector<std::pair<std::string, core::Secret>>;

struct WebConfig {
  std::string listen = "127.0.0.1:9477";
  bool enable_lifecycle = false;  // POST /-/reload
  std::string config_file;        // of the exporters' format; empty: there is none
  WebUsers users;                 // of that file; none: whoever reaches the port may read, and nobody may give orders
};

/// A rule file that was named, found and read.
struct RuleFileConfig {
  std::string path;
  std::shared_ptr<const core::SourceFile> source;
};

struct Config {
  std::string path;  // of the main file
  GlobalConfig global;
  std::vector<JobConfig> jobs;
  std::vector<std::string> module_files;   // of blackbox_exporter
  std::vector<JobConfig> modules;          // in them, by name: what /probe?module= asks for
  std::vector<TargetConfig> targets;       // those that stand in the configuration
  std::vector<RuleFileConfig> rule_files;  // globs expanded, read
  std::vector<std::string> packs;          // names of the packs that are on
  std::vector<alerts::AlertmanagerOptions> alertmanagers;
  std::optional<alerts::FallbackOptions> fallback;
  std::optional<alerts::HeartbeatOptions> heartbeat;
  std::vector<actions::ActionSpec> actions;
  std::vector<core::Place> action_places;  // where each of them stands
  actions::Guard guard;
  std::vector<MaintenanceWindow> maintenance;
  StorageConfig storage;
  ConnectivityConfig connectivity;
  WebConfig web;
};

struct LoadOptions {
  std::map<std::string, std::string> environment;  // for ${VAR}
  /// Secret files must be readable (else a missing one is a warning): `run` and `check --as-service`.
  bool require_secrets = true;
};

/// Reads the main file and what it names (probe_files, action_files, rule_files). Everything wrong goes to
/// `diagnostics`; without errors the result is complete. `packs` default to every pack of the binary whose kind is
/// configured; `known_packs` are their names.
[[nodiscard]] std::optional<Config> load_config(const std::string& path, const LoadOptions& options,
                                                const std::vector<std::string>& known_packs,
                                                core::Diagnostics& diagnostics);

/// What the executor of actions is to know of a configuration. It holds no reference to it.
[[nodiscard]] actions::Settings make_settings(const Config& config);

/// A target of a job that is not in the configuration but was found, or asked for: `text` is what could stand under
/// `targets`, `found` are labels that come with it (`job` and `instance` among them win over ours).
[[nodiscard]] core::Result<TargetConfig> make_target(const JobConfig& job, const GlobalConfig& global,
                                                     const std::string& text, const core::Labels& found);

/// A target of no job: a URL, and the defaults.
[[nodiscard]] core::Result<TargetConfig> make_target(const GlobalConfig& global, const std::string& url);

/// Whether a target stands for a cluster whose nodes are to be found by it.
[[nodiscard]] bool is_seed(const TargetConfig& target);
/// The target that a node is which was found by asking `seed` (or another node of it).
[[nodiscard]] TargetConfig node_target(const TargetConfig& seed, const net::Address& address);

/// The effective configuration as YAML, secrets masked (`check -T`).
[[nodiscard]] std::string dump_config(const Config& config);
/// The JSON Schema (draft-07) of the configuration file, and docs/configuration.md: both made of the table that the
/// parser uses.
[[nodiscard]] std::string config_schema();
[[nodiscard]] std::string config_markdown();
/// docs/recipes.md, of the table of recipes.
[[nodiscard]] std::string recipes_markdown();

}  // namespace tocsin::daemon
