// What an action is: what asks for it, how the platform is read and changed, and what bounds it. Values only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tocsin/core/journal.hpp"
#include "tocsin/core/matcher.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::actions {

enum class Mode { shadow, approve, automatic };
[[nodiscard]] std::string_view to_string(Mode mode);  // shadow, approve, auto

/// How a value is taken out of what a platform answered.
struct Extract {
  enum class Kind {
    whole,   // the trimmed output
    json,    // a JSONPath ($.a[0].b)
    regex,   // RE2 with one group
    lines,   // how many lines are not blank
    format,  // a text in which each {JSONPath} stands for what it finds: "{$[0].CPUKind}-cpu-{$[0].CPUs}x"
  } kind = Kind::whole;
  std::string expression;
};

// A call to the platform. In every text of one these stand for values: {from} {to} {target} {id} {key} and
// {label.NAME}. {id} is the run's id, {key} a number that grows with every run (a fencing token), NAME a label of the
// alert. A value must fit its type: {to} and {from} a whole number or a rung of the ladder, a label one of `allowed`;
// and all of them the letters that an argument may have.

/// A command: an argv, never a shell.
struct ExecCall {
  std::vector<std::string> argv;
};

/// A request. Reading is a GET by default; a change carries `Idempotency-Key: {id}` besides.
struct HttpCall {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, core::SecretSource>> headers;
  core::SecretSource bearer;  // goes out as `Authorization: Bearer ...`
  std::string body;
  std::vector<unsigned> status;  // what counts as well; empty: 200 to 299
  std::optional<net::TlsOptions> tls;
};

/// The scale subresource of one object: read by GET, changed by PUT with the resourceVersion that was read.
struct KubernetesCall {
  std::string server;  // https://host:port; empty: from inside the cluster, by the service account
  core::SecretSource token;
  std::optional<net::TlsOptions> tls;
  std::string space = "default";         // the namespace
  std::string resource = "deployments";  // of apps/v1: deployments, statefulsets, replicasets
  std::string name;
};

using Call = std::variant<ExecCall, HttpCall, KubernetesCall>;

struct ReadSpec {
  Call call;
  Extract value;
  std::optional<std::pair<Extract, std::string>> ready;  // what must equal what before anything is changed
};

struct CountSpec {
  std::int64_t min = 1;
  std::int64_t max = 1;
  std::int64_t step = 1;                 // with neither percent nor target_value: this much
  std::optional<double> percent;         // of the present count, rounded up; at least 1
  std::optional<double> target_value;    // per instance; wanted is ceil(value / target_value), as the HPA's formula
  double tolerance = 0.1;                // no change while value / (present * target_value) is within 1 +- this
  std::string of;                        // PromQL whose value is divided; empty: the alert's value
  std::optional<std::int64_t> max_step;  // of one change, whatever is wanted
};

/// When and how it is made smaller again.
struct DownSpec {
  std::string when_alert;           // alertname: what says that less would do
  std::vector<core::Matcher> when;  // further matchers
  std::int64_t step = 1;            // without `target_value`; a ladder goes one rung down
};

struct RateLimit {
  unsigned count = 0;
  core::Duration window{0};
  bool operator==(const RateLimit&) const = default;
};

struct ActionSpec {
  std::string name;
  std::string when_alert;           // alertname
  std::vector<core::Matcher> when;  // further matchers on the alert's labels
  std::string target;
  Mode mode = Mode::shadow;
  std::vector<std::string> ladder;  // one of ladder and count
  std::optional<CountSpec> count;
  std::optional<DownSpec> down;  // none: it only grows
  ReadSpec read;
  Call set;
  std::vector<std::pair<std::string, core::SecretSource>> environment;    // of commands
  std::vector<std::pair<std::string, std::vector<std::string>>> allowed;  // label -> what it may be
  core::Duration timeout{std::chrono::seconds{60}};                       // of one call
  core::Duration provisioning{0};                                         // how long the platform takes
  core::Duration stabilization_up{0};                                     // the least that was wanted in it
  core::Duration stabilization_down{std::chrono::minutes{5}};             // the most that was wanted in it
  core::Duration cooldown_up{std::chrono::minutes{30}};
  core::Duration cooldown_down{std::chrono::hours{2}};
  std::optional<RateLimit> per_target;
  std::optional<RateLimit> all;
  core::Duration clears_within{std::chrono::minutes{10}};
  unsigned breaker_after = 2;
  core::Duration approval_lapses{std::chrono::minutes{15}};  // mode approve: how long a proposal waits
  std::vector<std::string> approvers;                        // names; empty: whoever may give orders
  std::string also_scaled_by;                                // empty, or who else moves it: adopted, not fought
};

/// The blast guard: what holds for all actions together.
struct Guard {
  std::optional<RateLimit> targets;   // distinct targets that are changed in a window
  std::optional<RateLimit> changes;   // changes of all actions in a window
  std::optional<unsigned> per_month;  // changes of all actions in 30 days: a ceiling on cost
  double breaching = 0.5;  // more than this part of what is watched fails at once: the monitor suspects itself
  std::size_t breaching_at_least = 3;  // and at least so many
};

struct Settings {
  std::vector<ActionSpec> actions;
  Guard guard;
  /// Why alerts of these labels are in maintenance at that time; empty if they are not. Pure.
  std::function<std::string(const core::Labels&, core::TimePoint)> maintenance;
};

}  // namespace tocsin::actions
