// From a probe section to its targets.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "config/digest.hpp"
#include "config/kinds/kind.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::daemon {
namespace {

using core::Position;
using model::Probe;

std::string names_of_kinds() {
  std::string words;
  for (const Kind& kind : kinds()) words += (words.empty() ? "" : ", ") + kind.name;
  return words;
}

/// "" where the text has no scheme.
std::string scheme_of(const std::string& text) {
  const auto end = text.find("://");
  std::string scheme = end == std::string::npos ? "" : text.substr(0, end);
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return scheme;
}

std::string unknown_scheme(const std::string& scheme) {
  const std::string example = "a target is a URL such as redis://host:6379 or https://host/path";
  if (scheme.empty() || !core::is_label_name(scheme)) return example;
  std::vector<std::string_view> names;
  for (const Kind& kind : kinds()) names.insert(names.end(), kind.schemes.begin(), kind.schemes.end());
  const auto near = core::nearest(scheme, names);
  return "a URL with the unknown scheme " + scheme + "://" +
         (near.empty() ? "" : " (did you mean " + std::string(near) + "://?)");
}

/// Turns one probe section into targets; everything wrong is reported at its place.
class Targets {
 public:
  Targets(const Probe& probe, const GlobalConfig& global, const Loading& loading)
      : probe_(probe), global_(global), loading_(loading) {}

  /// What is true of the section itself, whatever its targets.
  bool check() {
    if (probe_.kind && find_kind(*probe_.kind) == nullptr) {
      error("kind", "\"kind\" is one of " + names_of_kinds() + ", not \"" + *probe_.kind + "\"");
      return false;
    }
    for (const std::string_view name : {"job", "instance"}) {
      if (probe_.labels.has(name))
        error("labels", "\"" + std::string(name) + "\" is set by tocsin and cannot be a label of a probe");
    }
    loading_.check_secret(probe_.password, probe_.place, "password_file");
    loading_.check_tls(probe_.tls, probe_.place);
    return check_times();
  }

  void add(std::vector<TargetConfig>& into) {
    const std::vector<std::string> implied = implied_targets();
    const bool found_later = !probe_.file_sd.empty() || !probe_.dns_sd.empty() || !probe_.allow_targets.empty();
    if (!probe_.place.has("targets") && probe_.target_file.empty() && implied.empty() && !found_later) {
      return loading_.error(
          probe_.place, probe_.place.at,
          "the job \"" + probe_.job +
              "\" needs \"targets\", a \"target_file\", \"file_sd\", \"dns_sd\" or \"allow_targets\"");
    }
    for (const std::string& text : implied) add_one(text, probe_.place.at, into);
    for (const auto& [name, at] : probe_.file_sd) {
      if (name.empty()) loading_.error(probe_.place, at, "the name of a file is needed here");
    }
    if (!probe_.dns_sd.empty() && !probe_.kind) error("dns_sd", "\"dns_sd\" needs a \"kind\": names have no scheme");
    for (const model::DnsSd& names : probe_.dns_sd) {
      if (names.type == "SRV" || names.port != 0 || probe_.kind == "icmp") continue;
      loading_.error(names.place, names.place.at, "type A and AAAA need a \"port\"");
    }
    for (const model::Target& target : probe_.targets) {
      if (target.own) {
        Targets own(*target.own, global_, loading_);
        if (own.check()) own.add_one(target.text, target.at, into);
      } else {
        add_one(target.text, target.at, into);
      }
    }
    if (!probe_.target_file.empty()) add_from_file(into);
  }

  std::optional<TargetConfig> make(const std::string& text, Position at) {
    const Kind* kind = kind_of(text, at);
    if (kind == nullptr || !check_kind(*kind)) return std::nullopt;
    TargetConfig target;
    target.job = probe_.job;
    target.kind = kind->name;
    target.at = at;
    target.interval = probe_.interval.value_or(global_.probe_interval);
    target.timeout = probe_.timeout.value_or(std::min(global_.probe_timeout, target.interval));
    target.confirm = probe_.confirm.value_or(std::min(global_.confirm, target.interval));
    target.reconnect = probe_.reconnect.value_or(global_.reconnect);
    target.labels = probe_.labels;
    target.labels.set("job", target.job);
    if (!kind->make({probe_, loading_, at}, with_scheme(*kind, text), target)) return std::nullopt;
    spare(target);
    std::string times;
    for (const core::Duration time : {target.interval, target.timeout, target.confirm, target.reconnect})
      times += core::format_duration(time) + " ";
    target.section_digest = digest_of({probe_.digest, times});
    target.fingerprint = digest_of({target.section_digest, text});
    return target;
  }

 private:
  void error(std::string_view key, std::string message) {
    loading_.error(probe_.place, probe_.place.of(key), std::move(message));
  }

  /// A target without a scheme is written as the kind's first one would have it: host:port.
  static std::string with_scheme(const Kind& kind, const std::string& text) {
    return kind.schemes.empty() || text.find("://") != std::string::npos ? text : kind.schemes.front() + "://" + text;
  }

  /// How much of a burden the target may be probed to be.
  void spare(TargetConfig& target) const {
    if (probe_.budget) {
      const model::BudgetKeys& keys = *probe_.budget;
      target.budget = {keys.share.empty() ? probe_.job : keys.share, keys.commands, keys.per};
    }
    if (!probe_.wake.value_or(true)) {
      target.sleeps_after = probe_.sleeps_after.value_or(std::chrono::minutes{5});
      target.cold_start = probe_.cold_start.value_or(std::chrono::seconds{30});
    }
    if (target.budget || target.sleeps_after) target.sentinel = false;
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

  std::vector<std::string> implied_targets() const {
    const Kind* kind = probe_.kind ? find_kind(*probe_.kind) : nullptr;
    return kind != nullptr && kind->implied != nullptr ? kind->implied(probe_) : std::vector<std::string>{};
  }

  void add_from_file(std::vector<TargetConfig>& into) {
    const core::SecretSource source{{}, probe_.target_file};
    const auto read = source.read();
    const Position at = probe_.place.of("target_file");
    if (read.has_error()) {
      loading_.missing(probe_.place, at, read.error().detail);
    } else {
      std::string text = read->reveal();
      while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
      add_one(text, at, into);
    }
  }

  void add_one(const std::string& text, Position at, std::vector<TargetConfig>& into) {
    auto target = make(text, at);
    if (!target) return;
    const std::string instance(target->labels.get("instance"));
    const auto same = std::find_if(into.begin(), into.end(), [&](const TargetConfig& other) {
      return other.job == target->job && other.labels.get("instance") == instance;
    });
    if (same != into.end()) {
      return loading_.error(probe_.place, at,
                            "the target " + instance + " exists already in the job \"" + target->job + "\" (line " +
                                std::to_string(same->at.line) + ")");
    }
    into.push_back(std::move(*target));
  }

  const Kind* kind_of(const std::string& text, Position at) {
    const std::string scheme = scheme_of(text);
    const auto speaks = [&scheme](const Kind& kind) {
      return std::find(kind.schemes.begin(), kind.schemes.end(), scheme) != kind.schemes.end();
    };
    if (probe_.kind) {
      const Kind* kind = find_kind(*probe_.kind);
      if (scheme.empty() || speaks(*kind)) return kind;
      loading_.error(probe_.place, at, "a URL with " + scheme + "://, but the kind is " + *probe_.kind);
      return nullptr;
    }
    const auto it = std::find_if(kinds().begin(), kinds().end(), speaks);
    if (it != kinds().end()) return &*it;
    loading_.error(probe_.place, at, unknown_scheme(scheme));
    return nullptr;
  }

  /// Once a kind is known, keys of another kind are mistakes; the section is checked once for each kind.
  bool check_kind(const Kind& kind) {
    if (kind.name == checked_) return checked_good_;
    checked_ = kind.name;
    checked_good_ = true;
    for (const auto& [key, at] : probe_.place.keys) {
      if (takes(kind, key)) continue;
      const bool user_info = key == "user" || key.starts_with("password");
      const bool basic = user_info && takes(kind, "basic_auth");
      error(key, "\"" + key + "\" is for " + kinds_with(key) + " probes" + (basic ? " (write basic_auth)" : ""));
      checked_good_ = false;
    }
    if (checked_good_ && kind.check != nullptr) kind.check(probe_, loading_);
    return checked_good_;
  }

  const Probe& probe_;
  const GlobalConfig& global_;
  const Loading& loading_;
  std::string checked_;  // the kind whose keys were checked last
  bool checked_good_ = true;
};

}  // namespace

void add_targets(const Probe& probe, const GlobalConfig& global, const Loading& loading,
                 std::vector<TargetConfig>& into) {
  Targets targets(probe, global, loading);
  if (targets.check()) targets.add(into);
}

bool is_seed(const TargetConfig& target) {
  const auto* redis = std::get_if<probes::RedisOptions>(target.options.get());
  return redis != nullptr && redis->cluster;
}

TargetConfig node_target(const TargetConfig& seed, const net::Address& address) {
  TargetConfig node = seed;
  auto options = std::get<probes::RedisOptions>(*seed.options);
  const std::string before = options.address.to_string(), now = address.to_string();
  options.address = address;
  node.options = std::make_shared<const ProbeOptions>(std::move(options));
  if (const auto at = node.display.find(before); at != std::string::npos) {
    node.display.replace(at, before.size(), now);
  }
  node.labels.set("instance", now);
  node.fingerprint = digest_of({node.section_digest, now});
  return node;
}

JobConfig make_job(const Probe& probe) {
  JobConfig job;
  job.name = probe.job;
  job.section = std::make_shared<const Probe>(probe);
  const auto folder = std::filesystem::path(probe.place.file->name).parent_path();
  for (const auto& [name, at] : probe.file_sd) {
    const std::filesystem::path path(name);
    job.file_sd.push_back(path.is_absolute() ? name : (folder / path).lexically_normal().string());
  }
  for (const model::DnsSd& names : probe.dns_sd) {
    job.dns_sd.push_back({names.names, names.type, names.port, names.refresh_interval});
  }
  job.allow_targets = probe.allow_targets;
  job.digest = probe.digest;
  return job;
}

core::Result<TargetConfig> make_target(const JobConfig& job, const GlobalConfig& global, const std::string& text,
                                       const core::Labels& found) {
  core::Diagnostics diagnostics;
  LoadOptions options;
  const Loading loading{options, diagnostics};
  auto target = Targets(*job.section, global, loading).make(text, job.section->place.at);
  if (!target) {
    return core::Failure{core::Outcome::protocol, core::Phase::parse,
                         diagnostics.all().empty() ? "not a target" : diagnostics.all().front().message};
  }
  std::string labels;
  for (const core::Label& label : found) {
    target->labels.set(label.name, label.value);
    labels += label.name + "=" + label.value + "\n";
  }
  if (!labels.empty()) target->fingerprint = digest_of({target->fingerprint, labels});
  return std::move(*target);
}

core::Result<TargetConfig> make_target(const GlobalConfig& global, const std::string& url) {
  auto section = std::make_shared<Probe>();
  section->job = "probe";
  section->place.file = std::make_shared<core::SourceFile>();
  JobConfig job;
  job.section = std::move(section);
  return make_target(job, global, url, {});
}

}  // namespace tocsin::daemon
