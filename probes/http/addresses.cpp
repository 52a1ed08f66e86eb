#include "http/addresses.hpp"

namespace tocsin::probes::http {
namespace {

KnownSeries series_of(const core::Labels& base, std::string_view name, const std::string& ip) {
  core::Labels labels = named(base, name);
  labels.set("ip", ip);
  return KnownSeries(std::move(labels));
}

}  // namespace

std::string address_text(const net::Endpoint& address) {
  std::string text = address.to_string();
  text.resize(text.rfind(':'));
  return address.v6 ? text.substr(1, text.size() - 2) : text;
}

void AddressSeries::count(core::SeriesTable& table, std::size_t addresses) {
  count_.put(table, static_cast<double>(addresses));
  // Addresses that come and go must not fill the memory.
  if (known_.size() > 2 * most_addresses) known_.clear();
}

void AddressSeries::append(core::SeriesTable& table, const Sight& sight, const Verdict& verdict) {
  if (!sight.address) return;
  const std::string ip = address_text(*sight.address);
  auto found = known_.find(ip);
  if (found == known_.end()) {
    One one{series_of(base_, "tocsin_probe_address_success", ip),
            series_of(base_, "tocsin_probe_address_duration_seconds", ip),
            series_of(base_, "tocsin_probe_address_http_status_code", ip),
            series_of(base_, "tocsin_probe_address_cert_expiry_timestamp_seconds", ip)};
    found = known_.emplace(ip, std::move(one)).first;
  }
  One& one = found->second;
  one.success.put(table, verdict.outcome == core::Outcome::ok ? 1 : 0);
  one.duration.put(table, seconds(sight.took));
  one.status.put(table, sight.response.status);
  if (sight.tls && sight.tls->earliest_expiry) {
    one.expiry.put(table, std::chrono::duration<double>(sight.tls->earliest_expiry->time_since_epoch()).count());
  }
}

}  // namespace tocsin::probes::http
