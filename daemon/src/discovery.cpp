#include "src/discovery.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "config/files.hpp"
#include "src/file_sd.hpp"
#include "src/file_watch.hpp"
#include "src/offload.hpp"
#include "tocsin/probes/redis_cluster.hpp"
#include "tocsin/probes/srv.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::chrono::seconds file_refresh{60};      // also when nothing was seen to change
constexpr std::chrono::milliseconds file_settle{50};  // who writes one file often writes another
constexpr std::chrono::seconds cluster_refresh{30};
constexpr std::chrono::seconds cluster_retry{5};
constexpr std::chrono::seconds look_up_time{10};

/// One thing that is looked at for one job. Its coroutine keeps it.
struct Source {
  JobConfig job;
  std::string mechanism;
  std::vector<FoundTarget> found;   // of files and names
  std::vector<TargetConfig> seeds;  // of a cluster
  std::vector<TargetConfig> nodes;
  std::uint64_t failures = 0;
  std::size_t refused = 0;
  std::string last_failure;
  std::function<void()> cancel;
  bool stopped = false;
};
using SourcePtr = std::shared_ptr<Source>;

struct ReadFiles {
  std::vector<FoundTarget> found;
  std::vector<std::pair<std::string, std::string>> failures;  // file, what is wrong
};

/// The targets of all files of the patterns. `good` has what each file held when it was last good: it stands where the
/// file is bad now.
ReadFiles read_files(const std::vector<std::string>& patterns, std::map<std::string, std::vector<FoundTarget>>& good) {
  ReadFiles read;
  std::map<std::string, std::vector<FoundTarget>> now;
  for (const std::string& path : matching_files(patterns)) {
    auto text = read_file(path);
    core::Result<std::vector<FoundTarget>> targets =
        core::Failure{core::Outcome::limit, core::Phase::none, path + " cannot be read, or is larger than 16 MiB"};
    if (text) {
      auto file = std::make_shared<const core::SourceFile>(core::SourceFile{path, std::move(*text)});
      targets = parse_file_sd(std::move(file));
    }
    if (targets) {
      now[path] = std::move(*targets);
    } else {
      read.failures.emplace_back(path, targets.error().detail);
      if (const auto it = good.find(path); it != good.end()) now[path] = std::move(it->second);
    }
  }
  good = std::move(now);
  for (const auto& [path, targets] : good) read.found.insert(read.found.end(), targets.begin(), targets.end());
  return read;
}

}  // namespace

struct Discovery::Impl {
  Impl(net::Loop& loop_, net::BlockingPool& pool_, net::Connector& connector_, Log log_, std::function<void()> changed_)
      : loop(loop_), pool(pool_), connector(connector_), log(std::move(log_)), changed(std::move(changed_)) {}

  net::Loop& loop;
  net::BlockingPool& pool;
  net::Connector& connector;
  Log log;
  std::function<void()> changed;
  GlobalConfig global;
  std::vector<TargetConfig> configured;
  std::map<std::string, SourcePtr> sources;  // by what makes them what they are

  using Run = net::Task<void> (Impl::*)(SourcePtr);
  void want(std::map<std::string, SourcePtr>& wanted, const std::string& key, SourcePtr source, Run run);
  net::Task<void> watch_files(SourcePtr source);
  net::Task<void> look_up_names(SourcePtr source);
  net::Task<void> ask_cluster(SourcePtr source);
  net::Task<core::Result<std::vector<FoundTarget>>> look_up(JobConfig::DnsNames names);
  void failed(Source& source, const std::string& what, const std::string& detail);
  void found(Source& source, std::vector<FoundTarget> targets);
};

void Discovery::Impl::failed(Source& source, const std::string& what, const std::string& detail) {
  ++source.failures;
  if (std::exchange(source.last_failure, detail) == detail) return;
  log.warning("no targets could be found, those known stay",
              {{"job", source.job.name}, {"where", what}, {"detail", detail}});
}

void Discovery::Impl::found(Source& source, std::vector<FoundTarget> targets) {
  if (targets == source.found) return;
  source.found = std::move(targets);
  source.refused = 0;
  for (const FoundTarget& target : source.found) {
    const auto made = make_target(source.job, global, target.text, target.labels);
    if (made) continue;
    ++source.refused;
    log.warning("a target that was found cannot be one",
                {{"job", source.job.name}, {"by", source.mechanism}, {"detail", made.error().detail}});
  }
  log.info("targets found",
           {{"job", source.job.name}, {"by", source.mechanism}, {"targets", std::to_string(source.found.size())}});
  changed();
}

net::Task<void> Discovery::Impl::watch_files(SourcePtr source) {
  FileWatch watch(loop.executor(), source->job.file_sd);
  auto good = std::make_shared<std::map<std::string, std::vector<FoundTarget>>>();
  do {
    std::function<ReadFiles()> work = [patterns = source->job.file_sd, good] { return read_files(patterns, *good); };
    const auto until = std::chrono::steady_clock::now() + look_up_time;
    std::optional<ReadFiles> read = co_await offload(loop, pool, std::move(work), until);
    if (source->stopped) co_return;
    if (read) {
      for (const auto& [path, detail] : read->failures) failed(*source, path, detail);
      if (read->failures.empty()) source->last_failure.clear();
      found(*source, std::move(read->found));
    } else {
      // What is still being read belongs to the one that reads it.
      good = std::make_shared<std::map<std::string, std::vector<FoundTarget>>>(*good);
      failed(*source, "files", "reading takes too long");
    }
    const auto next = std::chrono::steady_clock::now() + file_refresh;
    if (!co_await watch.wait(next)) co_return;
    if (!co_await net::sleep_for(file_settle)) co_return;
  } while (!source->stopped);
}

net::Task<core::Result<std::vector<FoundTarget>>> Discovery::Impl::look_up(JobConfig::DnsNames names) {
  std::vector<FoundTarget> all;
  const auto deadline = std::chrono::steady_clock::now() + look_up_time;
  for (const std::string& name : names.names) {
    if (names.type == "SRV") {
      const auto records = co_await probes::resolve_srv(connector, loop.executor(), name, deadline);
      if (!records) co_return records.error();
      for (const probes::ServiceRecord& record : *records) {
        FoundTarget target{net::Address{record.host, record.port, false}.to_string(), {}};
        if (std::find(all.begin(), all.end(), target) == all.end()) all.push_back(std::move(target));
      }
      continue;
    }
    const auto endpoints = co_await connector.resolve(name, names.port, deadline);
    if (!endpoints) co_return endpoints.error();
    for (const net::Endpoint& endpoint : *endpoints) {
      if (endpoint.v6 != (names.type == "AAAA")) continue;
      std::string text = endpoint.to_string();
      if (names.port == 0) text.resize(text.rfind(':'));  // of kinds without ports
      FoundTarget target{std::move(text), {}};
      if (std::find(all.begin(), all.end(), target) == all.end()) all.push_back(std::move(target));
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.text < b.text; });
  co_return all;
}

net::Task<void> Discovery::Impl::look_up_names(SourcePtr source) {
  std::vector<std::vector<FoundTarget>> known(source->job.dns_sd.size());
  core::Duration pause = source->job.dns_sd.front().refresh;
  for (const auto& names : source->job.dns_sd) pause = std::min(pause, names.refresh);
  do {
    bool good = true;
    std::vector<FoundTarget> all;
    for (std::size_t i = 0; i < known.size(); ++i) {
      auto targets = co_await look_up(source->job.dns_sd[i]);
      if (source->stopped) co_return;
      if (targets) {
        known[i] = std::move(*targets);
      } else {
        good = false;
        failed(*source, source->job.dns_sd[i].names.front(), targets.error().detail);
      }
      all.insert(all.end(), known[i].begin(), known[i].end());
    }
    if (good) source->last_failure.clear();
    found(*source, std::move(all));
    if (!co_await net::sleep_for(pause)) co_return;
  } while (!source->stopped);
}

net::Task<void> Discovery::Impl::ask_cluster(SourcePtr source) {
  do {
    core::Result<std::vector<probes::redis_cluster::Node>> nodes =
        core::Failure{core::Outcome::resolve, core::Phase::none, "no seed"};
    // Any node that answers will do: the seeds first, then those that were found before.
    std::vector<TargetConfig> ask = source->seeds;
    ask.insert(ask.end(), source->nodes.begin(), source->nodes.end());
    TargetConfig model;
    for (const TargetConfig& target : ask) {
      model = target;
      const auto deadline = std::chrono::steady_clock::now() + target.timeout;
      auto options = std::get<probes::RedisOptions>(*target.options);
      nodes = co_await probes::redis_cluster::discover(connector, std::move(options), deadline);
      if (source->stopped) co_return;
      if (nodes) break;
    }
    std::vector<TargetConfig> targets;
    if (nodes) {
      source->last_failure.clear();
      for (const auto& node : *nodes) targets.push_back(node_target(model, node.address));
      const bool same = std::equal(targets.begin(), targets.end(), source->nodes.begin(), source->nodes.end(),
                                   [](const auto& a, const auto& b) { return a.fingerprint == b.fingerprint; });
      if (!same) {
        source->nodes = std::move(targets);
        log.info("nodes of a cluster found",
                 {{"job", source->job.name}, {"nodes", std::to_string(source->nodes.size())}});
        changed();
      }
    } else {
      failed(*source, source->seeds.front().display, nodes.error().detail);
    }
    if (!co_await net::sleep_for(nodes ? cluster_refresh : cluster_retry)) co_return;
  } while (!source->stopped);
}

void Discovery::Impl::want(std::map<std::string, SourcePtr>& wanted, const std::string& key, SourcePtr source,
                           Run run) {
  if (const auto it = sources.find(key); it != sources.end()) {
    wanted.insert(sources.extract(it));
    return;
  }
  source->cancel = loop.spawn_cancellable("discovery " + source->job.name, (this->*run)(source));
  wanted.emplace(key, std::move(source));
}

Discovery::Discovery(net::Loop& loop, net::BlockingPool& pool, net::Connector& connector, Log log,
                     std::function<void()> changed)
    : impl_(std::make_unique<Impl>(loop, pool, connector, std::move(log), std::move(changed))) {}
Discovery::~Discovery() = default;

void Discovery::configure(const Config& config) {
  Impl& impl = *impl_;
  impl.global = config.global;
  impl.configured = config.targets;
  std::map<std::string, SourcePtr> wanted;
  const auto fresh = [](const JobConfig& job, std::string mechanism) {
    auto source = std::make_shared<Source>();
    source->job = job;
    source->mechanism = std::move(mechanism);
    return source;
  };
  for (const JobConfig& job : config.jobs) {
    const std::string key = job.name + " " + job.digest;
    if (!job.file_sd.empty()) impl.want(wanted, "file " + key, fresh(job, "file"), &Impl::watch_files);
    if (!job.dns_sd.empty()) impl.want(wanted, "dns " + key, fresh(job, "dns"), &Impl::look_up_names);
    auto cluster = fresh(job, "cluster");
    std::string seeds = "cluster " + key;
    for (const TargetConfig& target : config.targets) {
      if (target.job != job.name || !is_seed(target)) continue;
      cluster->seeds.push_back(target);
      seeds += " " + target.fingerprint;
    }
    if (!cluster->seeds.empty()) impl.want(wanted, seeds, std::move(cluster), &Impl::ask_cluster);
  }
  stop();
  impl.sources = std::move(wanted);
}

std::vector<TargetConfig> Discovery::targets() const {
  std::vector<TargetConfig> all;
  std::set<std::pair<std::string, std::string>> known;
  const auto add = [&](const TargetConfig& target) {
    if (known.emplace(target.job, target.labels.get("instance")).second) all.push_back(target);
  };
  std::set<std::string> replaced;  // jobs whose seeds stand back
  for (const auto& [key, source] : impl_->sources) {
    if (!source->nodes.empty()) replaced.insert(source->job.name);
  }
  for (const TargetConfig& target : impl_->configured) {
    if (!is_seed(target) || !replaced.contains(target.job)) add(target);
  }
  for (const auto& [key, source] : impl_->sources) {
    for (const TargetConfig& node : source->nodes) add(node);
    for (const FoundTarget& found : source->found) {
      const auto target = make_target(source->job, impl_->global, found.text, found.labels);
      if (target) add(*target);
    }
  }
  return all;
}

std::vector<DiscoveryStatus> Discovery::status() const {
  std::vector<DiscoveryStatus> all;
  for (const auto& [key, source] : impl_->sources) {
    const std::size_t targets = source->nodes.size() + source->found.size() - source->refused;
    all.push_back({source->job.name, source->mechanism, targets, source->failures, source->refused});
  }
  return all;
}

void Discovery::stop() {
  for (const auto& [key, source] : impl_->sources) {
    source->stopped = true;
    if (source->cancel) source->cancel();
  }
  impl_->sources.clear();
}

}  // namespace tocsin::daemon
