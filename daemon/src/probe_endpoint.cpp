#include "src/probe_endpoint.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <map>

#include "config/model.hpp"
#include "src/api.hpp"
#include "src/make_prober.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::size_t most_at_once = 32;
constexpr core::Duration way_back{500};
constexpr std::string_view unknown_module = "Unknown module";

net::ServerResponse refusal(unsigned status, std::string text) {
  net::ServerResponse response;
  response.status = status;
  response.body = std::move(text) + "\n";
  return response;
}

bool allowed(const JobConfig& job, const std::string& target) {
  return std::any_of(job.allow_targets.begin(), job.allow_targets.end(),
                     [&target](const std::string& pattern) { return re2::RE2::FullMatch(target, pattern); });
}

/// The job by the first of these parameters that is given; a redis_exporter's /scrape needs none where one job alone
/// allows the target.
const JobConfig* job_of(const net::ServerRequest& request, const Config& config, const std::string& target,
                        std::string& name) {
  for (const std::string_view parameter : {"job", "module", "auth_module"}) {
    if (name.empty()) name = api_parameter(request, parameter);
  }
  for (const JobConfig& job : config.jobs) {
    if (name.empty() ? allowed(job, target) : job.name == name) return &job;
  }
  // A module of blackbox_exporter: by a job that takes it and allows the target.
  for (const JobConfig& job : config.jobs) {
    if (!name.empty() && job.section->module == name && allowed(job, target)) return &job;
  }
  return nullptr;
}

bool is_host_name(const std::string& text) {
  return text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                  c == '_' || c == ':';
         });
}

/// blackbox_exporter's `hostname`: for whom to ask at the target, in Host and in TLS, where the job does not say.
void ask_for(const std::string& host, TargetConfig& target) {
  ProbeOptions options = *target.options;
  if (auto* http = std::get_if<probes::HttpOptions>(&options)) {
    const bool said = std::any_of(http->headers.begin(), http->headers.end(), [](const probes::HeaderSource& header) {
      return header.name == "Host" || header.name == "host";
    });
    if (!said) http->headers.push_back({"Host", {core::Secret(host), {}}});
  }
  if (auto* tcp = std::get_if<probes::TcpOptions>(&options)) {
    if (tcp->tls_options.server_name.empty()) tcp->tls_options.server_name = host;
  }
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
}

core::Duration time_for(const net::ServerRequest& request, const TargetConfig& target) {
  const std::string_view header = net::header(request.headers, "X-Prometheus-Scrape-Timeout-Seconds");
  const auto seconds = core::parse_number<double>(header);
  if (!seconds || !(*seconds > 0 && *seconds < 3600)) return target.timeout;
  const core::Duration scrape(static_cast<std::int64_t>(*seconds * 1000));
  return std::clamp(scrape - way_back, core::Duration(10), target.timeout);
}

}  // namespace

std::variant<AskedProbe, net::ServerResponse> read_asked_probe(const net::ServerRequest& request,
                                                               const Config& config) {
  const std::string target = api_parameter(request, "target");
  if (target.empty()) return refusal(400, "Target parameter is missing");
  std::string name;
  const JobConfig* job = job_of(request, config, target, name);
  if (job == nullptr) {
    return refusal(
        400, name.empty()
                 ? "No job allows this target (give job=NAME, and allow_targets in that job)"
                 : std::string(unknown_module) + " \"" + name +
                       "\" (it is the name of a job here, or of a module that a job takes which allows this target)");
  }
  if (!allowed(*job, target))
    return refusal(403, "The job \"" + job->name + "\" does not allow this target (see allow_targets)");
  auto made = make_target(*job, config.global, target, {});
  if (!made) return refusal(400, made.error().detail);
  if (needs_tools(*made)) return refusal(400, "A " + made->kind + " probe is not asked for here");
  const std::string host = api_parameter(request, "hostname");
  if (!is_host_name(host)) return refusal(400, "The parameter hostname is none");
  if (!host.empty()) ask_for(host, *made);
  const core::Duration timeout = time_for(request, *made);
  return AskedProbe{std::move(*made), timeout};
}

std::string expose_observation(const core::Observation& observation, const Metadata& metadata) {
  std::map<core::Slot, core::Labels> names;
  for (const core::NewSeries& series : observation.batch.fresh) names[series.slot] = series.labels;
  std::vector<std::pair<core::Labels, double>> samples;
  for (const core::Row& row : observation.batch.rows) {
    const auto it = names.find(row.slot);
    if (it == names.end()) continue;
    core::Labels labels = it->second;
    labels.erase("job");
    labels.erase("instance");
    samples.emplace_back(std::move(labels), row.value);
  }
  return expose_samples(std::move(samples), metadata);
}

net::Task<net::ServerResponse> ProbeEndpoint::answer(net::ServerRequest request, const Config& config,
                                                     const Metadata& metadata) {
  auto asked = read_asked_probe(request, config);
  if (auto* refused = std::get_if<net::ServerResponse>(&asked)) {
    if (refused->body.starts_with(unknown_module)) ++unknown_modules_;
    co_return std::move(*refused);
  }
  if (running_ >= most_at_once) co_return refusal(503, "Too many probes are asked for at a time");
  const AskedProbe& wanted = std::get<AskedProbe>(asked);
  const auto prober = make_prober(connector_, loop_.executor(), 0, wanted.target);
  probes::ProbeStart start;
  start.at = std::chrono::time_point_cast<core::Duration>(std::chrono::system_clock::now());
  start.deadline = std::chrono::steady_clock::now() + wanted.timeout;
  start.fresh = true;
  ++running_;
  core::Observation observation = co_await prober->probe(start);
  --running_;
  prober->close();
  net::ServerResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = expose_observation(observation, metadata);
  co_return response;
}

}  // namespace tocsin::daemon
