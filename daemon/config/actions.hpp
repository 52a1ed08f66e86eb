// The sections of actions as files have them, and of what holds for all actions.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/auth.hpp"
#include "config/kinds/http.hpp"
#include "tocsin/actions/spec.hpp"
#include "tocsin/core/fields.hpp"
#include "tocsin/core/matcher.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::daemon::model {

struct ExtractSpec {
  std::string json;
  std::string regex;
  std::string format;
  bool lines = false;
  std::string is;  // of `ready` only
  core::Place place;
};

/// A request of `read` or of `set`.
struct HttpRequest {
  std::string method;  // empty: GET where it reads, POST where it changes
  std::string url;
  std::vector<std::pair<std::string, Header>> headers;
  std::optional<Authorization> authorization;
  std::string body;
  std::vector<unsigned> status;
  std::optional<net::TlsOptions> tls;
  core::Place place;
};

struct Read {
  std::vector<std::string> exec;
  std::optional<HttpRequest> http;
  std::optional<ExtractSpec> extract;
  std::optional<ExtractSpec> ready;
  core::Place place;
};

struct Set {
  std::vector<std::string> exec;
  std::optional<HttpRequest> http;
  core::Place place;
};

struct Kubernetes {
  std::string server;
  core::SecretSource token;
  std::string ca_file;
  std::optional<net::TlsOptions> tls;
  std::string kubeconfig;
  std::string context;
  std::string space;  // the namespace
  std::string deployment;
  std::string statefulset;
  std::string replicaset;
  core::Place place;
};

/// A ready-made pair of calls, and what was said to it.
struct Recipe {
  std::string name;
  std::vector<std::pair<std::string, std::string>> parameters;
  core::Place place;  // of the section with the recipe's name as its key
  core::Place parameters_place;
  /// What was given, or empty.
  [[nodiscard]] const std::string& get(std::string_view parameter) const;
};

struct Cooldown {
  core::Duration up{std::chrono::minutes{30}};
  core::Duration down{std::chrono::hours{2}};
  core::Place place;
};

struct Stabilization {
  core::Duration up{0};
  core::Duration down{std::chrono::minutes{5}};
};

struct Limits {
  std::optional<actions::RateLimit> per_target;
  std::optional<actions::RateLimit> all;
};

struct Verify {
  core::Duration clears_within{std::chrono::minutes{10}};
  core::Place place;
};

struct Breaker {
  unsigned after = 2;
};

struct Approve {
  core::Duration within{std::chrono::minutes{15}};
  std::vector<std::string> by;
};

/// `Alert{label="value"}`.
struct When {
  std::string alert;
  std::vector<core::Matcher> matchers;
};

struct Down {
  When when;
  std::int64_t step = 1;
  core::Place place;
};

using Allowed = std::vector<std::pair<std::string, std::vector<std::string>>>;

struct Action {
  std::string name;
  When when;
  std::string target;
  actions::Mode mode = actions::Mode::shadow;
  std::vector<std::string> ladder;
  std::optional<actions::CountSpec> count;
  std::optional<Down> down;
  std::optional<Read> read;
  std::optional<Set> set;
  std::optional<Kubernetes> kubernetes;
  std::optional<Recipe> recipe;
  std::vector<std::pair<std::string, Header>> env;
  Allowed allow;
  std::optional<core::Duration> timeout;
  std::optional<core::Duration> provisioning;
  Stabilization stabilization;
  Cooldown cooldown;
  Limits limits;
  Verify verify;
  Breaker breaker;
  std::optional<Approve> approve;
  std::string also_scaled_by;
  core::Place place;
};

/// `"02:00"`: minutes since midnight.
struct TimeOfDay {
  std::chrono::minutes since_midnight{0};
};

struct Maintenance {
  std::vector<core::Matcher> match;
  TimeOfDay from;
  TimeOfDay to;
  std::vector<unsigned> days;  // Sunday is 0
  std::string tz = "UTC";
  bool alerts = true;
  core::Place place;
};

}  // namespace tocsin::daemon::model
