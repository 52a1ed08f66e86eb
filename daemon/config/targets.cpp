// From a probe section to its targets.
#include <algorithm>
#include <array>

#include "load.hpp"
#include "tables.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::daemon {
namespace {

using core::Position;
using model::Probe;

struct Scheme {
  std::string_view name;
  std::string_view kind;
};
constexpr std::array<Scheme, 6> schemes{{{"redis", "redis"},
                                         {"rediss", "redis"},
                                         {"redis+unix", "redis"},
                                         {"unix", "redis"},
                                         {"http", "http"},
                                         {"https", "http"}}};
constexpr std::array<std::string_view, 2> kinds{"redis", "http"};
constexpr std::array<std::string_view, 10> later{"postgres", "postgresql", "kafka",   "tcp",      "dns",
                                                 "icmp",     "grpc",       "metrics", "sentinel", "memcached"};

std::string kind_of(std::string_view scheme) {
  const auto it = std::find_if(schemes.begin(), schemes.end(), [scheme](const Scheme& s) { return s.name == scheme; });
  return it == schemes.end() ? "" : std::string(it->kind);
}

/// Turns one probe section into targets; everything wrong is reported at its place.
class Targets {
 public:
  Targets(const Probe& probe, const GlobalConfig& global, const Loading& loading, std::vector<TargetConfig>& into)
      : probe_(probe), global_(global), loading_(loading), into_(into) {}

  void add() {
    if (!check_kind() || !check_times()) return;
    for (const std::string_view name : {"job", "instance"}) {
      if (probe_.labels.has(name))
        error("labels", "\"" + std::string(name) + "\" is set by tocsin and cannot be a label of a probe");
    }
    check_secrets();
    if (!probe_.place.has("targets") && probe_.target_file.empty()) {
      return loading_.error(probe_.place, probe_.place.at,
                            "the job \"" + probe_.job + "\" needs \"targets\" or a \"target_file\"");
    }
    for (const auto& [text, at] : probe_.targets) add_url(text, at);
    if (!probe_.target_file.empty()) add_from_file();
  }

 private:
  void error(std::string_view key, std::string message) {
    loading_.error(probe_.place, probe_.place.of(key), std::move(message));
  }

  bool check_kind() {
    if (!probe_.kind || std::find(kinds.begin(), kinds.end(), *probe_.kind) != kinds.end()) return true;
    if (std::find(later.begin(), later.end(), *probe_.kind) != later.end()) {
      error("kind", "the kind \"" + *probe_.kind + "\" is not supported in this version");
    } else {
      error("kind", "\"kind\" is redis or http, not \"" + *probe_.kind + "\"");
    }
    return false;
  }

  bool check_times() {
    const auto interval = probe_.interval.value_or(global_.probe_interval);
    bool good = true;
    for (const auto& [name, value] : {std::pair("timeout", probe_.timeout), std::pair("confirm", probe_.confirm)}) {
      if (!value || *value <= interval) continue;
      error(name,
            "\"" + std::string(name) + "\" is longer than the interval (" + core::format_duration(interval) + ")");
      good = false;
    }
    return good;
  }

  void check_secrets() {
    const core::Place& place = probe_.place;
    loading_.check_secret(probe_.password, place, "password_file");
    loading_.check_secret(probe_.bearer, place, "bearer_file");
    if (probe_.basic_auth)
      loading_.check_secret(probe_.basic_auth->password, probe_.basic_auth->place, "password_file");
    if (probe_.authorization)
      loading_.check_secret(probe_.authorization->credentials, probe_.authorization->place, "credentials_file");
    for (const auto& [name, header] : probe_.headers) loading_.check_secret(header.value, header.place, "file");
    loading_.check_tls(probe_.tls, place);
  }

  void add_from_file() {
    const core::SecretSource source{{}, probe_.target_file};
    const auto read = source.read();
    const Position at = probe_.place.of("target_file");
    if (read.has_error()) {
      loading_.missing(probe_.place, at, read.error().detail);
    } else {
      std::string text = read->reveal();
      while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
      add_url(text, at);
    }
  }

  void add_url(const std::string& text, Position at) {
    const auto wrong = [&](std::string message) { loading_.error(probe_.place, at, std::move(message)); };
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string::npos)
      return wrong("a target is a URL such as redis://host:6379 or https://host/path");
    std::string scheme = text.substr(0, scheme_end);
    std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const std::string kind = kind_of(scheme);
    if (kind.empty()) return wrong(unknown_scheme(scheme));
    if (probe_.kind && *probe_.kind != kind)
      return wrong("a URL with " + scheme + "://, but the kind is " + *probe_.kind);
    if (!check_keys_of(kind)) return;
    TargetConfig target;
    target.job = probe_.job;
    target.kind = kind;
    target.at = at;
    fill_times(target);
    const bool good = kind == "redis" ? fill_redis(target, scheme, text, at) : fill_http(target, text, at);
    if (!good) return;
    target.labels = probe_.labels;
    target.labels.set("job", target.job);
    target.labels.set("instance", instance_);
    const auto same = std::find_if(into_.begin(), into_.end(), [&](const TargetConfig& other) {
      return other.job == target.job && other.labels.get("instance") == instance_;
    });
    if (same != into_.end()) {
      return wrong("the target " + instance_ + " exists already in the job \"" + target.job + "\" (line " +
                   std::to_string(same->at.line) + ")");
    }
    target.fingerprint = fingerprint(target);
    into_.push_back(std::move(target));
  }

  static std::string unknown_scheme(const std::string& scheme) {
    if (std::find(later.begin(), later.end(), scheme) != later.end())
      return "URLs with " + scheme + ":// are not supported in this version";
    std::vector<std::string_view> names;
    for (const Scheme& known : schemes) names.push_back(known.name);
    const auto near = core::nearest(scheme, names);
    if (!core::is_label_name(scheme)) return "a target is a URL such as redis://host:6379 or https://host/path";
    return "a URL with the unknown scheme " + scheme + "://" +
           (near.empty() ? "" : " (did you mean " + std::string(near) + "://?)");
  }

  /// Once a kind is known, keys of another kind are mistakes; each is told once a section.
  bool check_keys_of(const std::string& kind) {
    if (kind == checked_) return true;
    checked_ = kind;
    bool good = true;
    for (const std::string& key : kind == "redis" ? http_keys() : redis_keys()) {
      if (!probe_.place.has(key)) continue;
      const bool user_info = key == "user" || key.starts_with("password");
      error(key, "\"" + key + "\" is for " + (kind == "redis" ? "http" : "redis") + " probes" +
                     (kind == "http" && user_info ? " (write basic_auth)" : ""));
      good = false;
    }
    return good;
  }

  void fill_times(TargetConfig& target) const {
    target.interval = probe_.interval.value_or(global_.probe_interval);
    target.timeout = probe_.timeout.value_or(std::min(global_.probe_timeout, target.interval));
    target.confirm = probe_.confirm.value_or(std::min(global_.confirm, target.interval));
    target.reconnect = probe_.reconnect.value_or(global_.reconnect);
  }

  bool fill_redis(TargetConfig& target, const std::string& scheme, const std::string& text, Position at) {
    const auto wrong = [&](std::string message) {
      loading_.error(probe_.place, at, std::move(message));
      return false;
    };
    const auto parsed = net::parse_url(text);
    if (parsed.has_error()) return wrong(parsed.error().detail);
    const net::Url& url = *parsed;
    const bool unix_socket = scheme == "unix" || scheme == "redis+unix";
    probes::RedisOptions options;
    if (url.has_query) return wrong("a redis URL has no query (the database is its path: redis://host/1)");
    if (unix_socket) {
      if (!url.host.empty() || url.path.size() < 2)
        return wrong("a socket is written with three slashes: " + scheme + ":///run/redis.sock");
      options.address = {net::percent_decode(url.path), 0, true};
      target.display = scheme + "://" + url.path;
    } else {
      if (url.host.empty()) return wrong("a URL without a host");
      options.address = {url.host, url.port == 0 ? std::uint16_t{6379} : url.port, false};
      if (!set_database(url.path, options))
        return wrong("the path of a redis URL is the number of a database, such as /1");
      target.display = scheme + "://" + options.address.to_string() +
                       (options.database ? "/" + std::to_string(*options.database) : "");
    }
    if (scheme == "rediss") {
      options.tls = probe_.tls.value_or(net::TlsOptions{});
    } else if (probe_.tls) {
      error("tls", "\"tls\" needs a URL with rediss://");
      return false;
    }
    if (!take_user_info(url, at, options.user, options.password, probe_.user, probe_.password)) return false;
    options.keep_connection = target.reconnect.count() > 0;
    target.sentinel = probe_.sentinel.value_or(true) && options.keep_connection;
    instance_ = options.address.to_string();
    target.options = std::move(options);
    return true;
  }

  static bool set_database(std::string_view path, probes::RedisOptions& options) {
    if (path.empty() || path == "/") return true;
    const auto number = core::parse_number<unsigned>(path.substr(1));
    if (number) options.database = *number;
    return number.has_value();
  }

  /// User and password come from the URL or from their keys, not from both.
  bool take_user_info(const net::Url& url, Position at, std::string& user, core::SecretSource& password,
                      const std::string& key_user, const core::SecretSource& key_password) {
    if (!url.user.empty() && !key_user.empty() && url.user != key_user) {
      loading_.error(probe_.place, at, "a user in the URL and another one beside it");
      return false;
    }
    if (!url.password.empty() && !key_password.empty()) {
      loading_.error(probe_.place, at, "a password in the URL and another one beside it");
      return false;
    }
    user = key_user.empty() ? url.user : key_user;
    password = key_password.empty() ? core::SecretSource{url.password, {}} : key_password;
    return true;
  }

  bool fill_http(TargetConfig& target, const std::string& text, Position at) {
    const auto wrong = [&](std::string message) {
      loading_.error(probe_.place, at, std::move(message));
      return false;
    };
    auto parsed = net::parse_url(text);
    if (parsed.has_error()) return wrong(parsed.error().detail);
    probes::HttpOptions options;
    if (parsed->host.empty()) return wrong("a URL without a host");
    const model::BasicAuth beside = probe_.basic_auth.value_or(model::BasicAuth{});
    if (!take_user_info(*parsed, at, options.user, options.password, beside.user, beside.password)) return false;
    options.bearer = probe_.authorization ? probe_.authorization->credentials : probe_.bearer;
    if (!options.user.empty() && !options.bearer.empty())
      return wrong("user info in the URL and a bearer token beside it");
    options.url = std::move(*parsed);
    options.url.user.clear();
    options.url.password = core::Secret();
    options.tls = probe_.tls.value_or(net::TlsOptions{});
    options.method = probe_.method.value_or(options.method);
    options.body = probe_.body;
    for (const auto& [name, header] : probe_.headers) options.headers.push_back({name, header.value});
    options.follow_redirects = probe_.follow_redirects.value_or(options.follow_redirects);
    options.max_body = probe_.max_body.value_or(options.max_body);
    options.ip_protocol = probe_.ip_protocol.value_or(options.ip_protocol);
    if (!check_headers(options)) return false;
    if (probe_.expect) fill_expectations(*probe_.expect, options.expect);
    target.sentinel = false;
    target.display = options.url.display();
    instance_ = target.display;
    target.options = std::move(options);
    return true;
  }

  bool check_headers(const probes::HttpOptions& options) {
    for (const auto& [name, value] : options.headers) {
      const bool token = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
      });
      if (!token || value.value.reveal().find_first_of("\r\n") != std::string::npos) {
        error("headers", "the header \"" + name + "\" has a name or a value that HTTP does not allow");
        return false;
      }
    }
    return true;
  }

  static void fill_expectations(const model::Expect& from, probes::HttpExpectations& into) {
    if (!from.status.empty()) into.status.clear();
    for (const model::StatusRange& range : from.status) into.status.emplace_back(range.first, range.last);
    if (from.within) into.within = *from.within;
    into.body_matches = from.body_matches;
    into.body_not_matches = from.body_not_matches;
    for (const auto& [path, value] : from.json) into.json.push_back({path, value});
  }

  const Probe& probe_;
  const GlobalConfig& global_;
  const Loading& loading_;
  std::vector<TargetConfig>& into_;
  std::string checked_;   // the kind whose keys were checked last
  std::string instance_;  // of the target that is being made
};

}  // namespace

void add_targets(const Probe& probe, const GlobalConfig& global, const Loading& loading,
                 std::vector<TargetConfig>& into) {
  Targets(probe, global, loading, into).add();
}

}  // namespace tocsin::daemon
