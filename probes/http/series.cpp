#include "http/series.hpp"

#include <utility>

#include "http/date.hpp"

namespace tocsin::probes::http {
namespace {

constexpr std::string_view names[] = {"probe_success",
                                      "probe_duration_seconds",
                                      "probe_timeout_seconds",
                                      "probe_dns_lookup_time_seconds",
                                      "probe_ip_protocol",
                                      "probe_ip_addr_hash",
                                      "probe_http_content_length",
                                      "probe_http_uncompressed_body_length",
                                      "probe_http_redirects",
                                      "probe_http_ssl",
                                      "probe_http_status_code",
                                      "probe_http_version",
                                      "probe_failed_due_to_regex",
                                      "probe_http_last_modified_timestamp_seconds",
                                      "probe_ssl_earliest_cert_expiry",
                                      "probe_ssl_last_chain_expiry_timestamp_seconds"};
constexpr std::string_view phases[] = {"resolve", "connect", "tls", "processing", "transfer"};
constexpr std::size_t plain_count = std::size(names);

// Go's zero time: what blackbox_exporter shows where no chain was verified.
constexpr double no_chain = -62135596800.0;

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

/// blackbox_exporter has whole seconds here.
double whole_seconds(core::TimePoint time) {
  return static_cast<double>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

core::Labels named(const core::Labels& base, std::string_view name) {
  core::Labels labels = base;
  labels.set(core::metric_name_label, name);
  return labels;
}

}  // namespace

std::uint32_t address_hash(const net::Endpoint& address) {
  std::uint32_t hash = 0x811c9dc5U;
  for (const unsigned char byte : address.address()) hash = (hash ^ byte) * 0x01000193U;
  return hash;
}

double content_length(const net::HttpResponse& response) {
  if (response.status == 0 || response.status == 204 || response.status == 304) return 0;
  return response.content_length ? static_cast<double>(*response.content_length) : -1;
}

void KnownSeries::put(core::SeriesTable& table, double value) {
  if (slot_ && table.add(*slot_, serial_, value)) return;
  slot_ = table.add(labels_, value);
  if (slot_) serial_ = table.serial(*slot_);
}

HttpSeries::HttpSeries(const core::Labels& base) : base_(base) {
  static_assert(plain_count + std::size(phases) == fixed_count);
  for (std::size_t at = 0; at < plain_count; ++at) fixed_[at] = KnownSeries(named(base, names[at]));
  for (std::size_t at = 0; at < std::size(phases); ++at) {
    core::Labels labels = named(base, "probe_http_duration_seconds");
    labels.set("phase", phases[at]);
    fixed_[plain_count + at] = KnownSeries(std::move(labels));
  }
}

void HttpSeries::append(core::SeriesTable& table, const Sight& sight, const Verdict& verdict,
                        std::chrono::nanoseconds timeout) {
  const auto put = [&](Fixed which, double value) { fixed_[which].put(table, value); };
  put(success, verdict.outcome == core::Outcome::ok ? 1 : 0);
  put(duration, seconds(sight.took));
  put(timeout_seconds, seconds(timeout));
  put(lookup, seconds(sight.lookup));
  put(ip_protocol, !sight.address ? 0 : sight.address->v6 ? 6 : 4);
  put(ip_hash, sight.address ? address_hash(*sight.address) : 0);
  put(redirects, sight.redirects);
  put(ssl, sight.tls_used ? 1 : 0);
  put(failed_by_regex, verdict.failed_by_regex ? 1 : 0);
  put(phase_resolve, seconds(sight.phases.resolve));
  if (sight.address) {
    put(phase_connect, seconds(sight.phases.connect));
    put(phase_tls, seconds(sight.phases.tls));
    put(phase_processing, seconds(sight.phases.processing));
    put(phase_transfer, seconds(sight.phases.transfer));
  }
  append_response(table, sight);
  append_tls(table, sight);
}

void HttpSeries::append_response(core::SeriesTable& table, const Sight& sight) {
  const net::HttpResponse& response = sight.response;
  fixed_[status].put(table, response.status);
  fixed_[version].put(table, response.status == 0 ? 0 : response.version == 10 ? 1.0 : 1.1);
  fixed_[content_length].put(table, http::content_length(response));
  // A redirect that is not followed counts as not read.
  fixed_[body_length].put(table, sight.redirect_refused ? 0 : static_cast<double>(response.body.size()));
  if (response.status == 0) return;
  if (const auto text = net::header(response.headers, "Last-Modified"); !text.empty()) {
    if (const auto time = parse_http_date(text)) fixed_[last_modified].put(table, static_cast<double>(*time));
  }
}

void HttpSeries::append_tls(core::SeriesTable& table, const Sight& sight) {
  if (!sight.tls) return;
  const net::TlsInfo& info = *sight.tls;
  refresh_tls(info);
  if (info.earliest_expiry) fixed_[earliest_expiry].put(table, whole_seconds(*info.earliest_expiry));
  if (info.verify_error.empty() && info.earliest_expiry) {
    fixed_[chain_expiry].put(table, info.chain_expiry ? whole_seconds(*info.chain_expiry) : no_chain);
  }
  if (!info.fingerprint_sha256.empty()) chain_info_.put(table, 1);
  if (!info.version.empty()) tls_version_.put(table, 1);
  if (!info.cipher.empty()) tls_cipher_.put(table, 1);
}

void HttpSeries::refresh_tls(const net::TlsInfo& info) {
  if (info.fingerprint_sha256 != shown_.fingerprint_sha256) {
    core::Labels labels = named(base_, "probe_ssl_last_chain_info");
    labels.set("fingerprint_sha256", info.fingerprint_sha256);
    labels.set("subject", info.subject);
    labels.set("issuer", info.issuer);
    labels.set("subjectalternative", info.subject_alternative);
    labels.set("serialnumber", info.serial);
    chain_info_ = KnownSeries(std::move(labels));
  }
  if (info.version != shown_.version) {
    core::Labels labels = named(base_, "probe_tls_version_info");
    labels.set("version", info.version);
    tls_version_ = KnownSeries(std::move(labels));
  }
  if (info.cipher != shown_.cipher) {
    core::Labels labels = named(base_, "probe_tls_cipher_info");
    labels.set("cipher", info.cipher);
    tls_cipher_ = KnownSeries(std::move(labels));
  }
  shown_ = info;
}

}  // namespace tocsin::probes::http
