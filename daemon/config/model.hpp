// The configuration as files have it: one struct a section. load.cpp makes a Config of it, dump.cpp makes it of a
// Config.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/actions.hpp"
#include "config/auth.hpp"
#include "config/kinds/blackbox.hpp"
#include "config/kinds/dns.hpp"
#include "config/kinds/exec.hpp"
#include "config/kinds/file.hpp"
#include "config/kinds/grpc.hpp"
#include "config/kinds/http.hpp"
#include "config/kinds/icmp.hpp"
#include "config/kinds/kafka.hpp"
#include "config/kinds/metrics.hpp"
#include "config/kinds/postgres.hpp"
#include "config/kinds/push.hpp"
#include "config/kinds/redis.hpp"
#include "config/kinds/tcp.hpp"
#include "config/kinds/websocket.hpp"
#include "config/receivers.hpp"
#include "tocsin/core/fields.hpp"
#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon::model {

struct Probe;

/// Names to look up again and again, in the words of Prometheus's dns_sd_config.
struct DnsSd {
  std::vector<std::string> names;
  std::string type = "SRV";
  std::uint16_t port = 0;
  core::Duration refresh_interval{std::chrono::seconds{30}};
  core::Place place;
};

/// What a plan sells in a period.
struct BudgetKeys {
  std::uint64_t commands = 0;
  core::Duration per{std::chrono::hours{24}};
  std::string share;
  core::Place place;
};

/// A target as it is written: text, or a map of `url` and of keys that hold for this target alone.
struct Target {
  std::string text;
  core::Position at;
  std::shared_ptr<const core::YamlNode> keys;  // of a map, without `url`
  std::shared_ptr<const Probe> own;            // the job's section with these keys put over it
};

/// A job. What every kind has stands here, what some kinds have in the struct that daemon/config/kinds/<kind>.hpp
/// declares.
struct Probe {
  std::string job;
  std::optional<std::string> kind;
  std::vector<Target> targets;
  std::string target_file;
  std::optional<core::Duration> interval;
  std::optional<core::Duration> timeout;
  std::optional<core::Duration> confirm;
  std::optional<core::Duration> reconnect;
  core::Labels labels;
  // Where further targets come from.
  std::vector<core::Located<std::string>> file_sd;
  std::vector<DnsSd> dns_sd;
  std::vector<std::string> allow_targets;
  // How much of a burden probing may be.
  std::optional<bool> wake;
  std::optional<core::Duration> sleeps_after;
  std::optional<core::Duration> cold_start;
  std::optional<BudgetKeys> budget;
  // What several kinds share.
  std::optional<net::TlsOptions> tls;
  std::string user;
  core::SecretSource password;
  std::optional<bool> sentinel;
  std::string module;                          // of blackbox_exporter, whose keys these are put over
  BlackboxKeys blackbox;                       // what its modules have in common
  std::shared_ptr<const core::YamlNode> node;  // as written, where a module is named
  // What one kind brought.
  HttpKeys http;
  PostgresKeys postgres;
  KafkaKeys kafka;
  RedisKeys redis;
  GrpcKeys grpc;
  TcpKeys tcp;
  WebsocketKeys websocket;
  DnsKeys dns;
  IcmpKeys icmp;
  ScrapeKeys scrape;
  FileKeys file;
  ExecKeys exec;
  PushKeys push;
  core::Place place;
  std::string digest;  // of the section as written, its targets left out
};

struct Alertmanager {
  std::string url;
  std::optional<net::TlsOptions> tls;
  std::optional<BasicAuth> basic_auth;
  std::optional<Authorization> authorization;
  core::Duration timeout{std::chrono::seconds{10}};
  core::Place place;
};

struct Connectivity {
  std::vector<core::Located<std::string>> targets;
  core::Duration interval{std::chrono::seconds{15}};
  core::Duration timeout{std::chrono::seconds{1}};
  core::Place place;
};

struct Root {
  GlobalConfig global;
  std::vector<Probe> probes;
  std::vector<core::Located<std::string>> probe_files;
  std::vector<core::Located<std::string>> rule_files;
  std::vector<core::Located<std::string>> action_files;
  std::vector<core::Located<std::string>> blackbox_modules;
  std::optional<std::vector<core::Located<std::string>>> packs;
  StorageConfig storage;
  std::optional<Connectivity> connectivity;
  std::vector<Alertmanager> alertmanagers;
  std::optional<Fallback> fallback;
  std::optional<Heartbeat> heartbeat;
  WebConfig web;
  std::vector<Action> actions;
  actions::Guard guard;
  std::vector<Maintenance> maintenance;
  core::Place place;
};

}  // namespace tocsin::daemon::model
