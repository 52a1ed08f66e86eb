#include "http/series.hpp"

#include <utility>

#include "http/date.hpp"

namespace tocsin::probes::http {
namespace {

constexpr std::string_view names[] = {"probe_http_content_length", "probe_http_uncompressed_body_length",
                                      "probe_http_redirects",      "probe_http_ssl",
                                      "probe_http_status_code",    "probe_http_version",
                                      "probe_failed_due_to_regex", "probe_http_last_modified_timestamp_seconds"};
constexpr std::string_view phases[] = {"resolve", "connect", "tls", "processing", "transfer"};

}  // namespace

double content_length(const net::HttpResponse& response) {
  if (response.status == 0 || response.status == 204 || response.status == 304) return 0;
  return response.content_length ? static_cast<double>(*response.content_length) : -1;
}

HttpSeries::HttpSeries(const core::Labels& base)
    : ending_(base), phases_(base, "probe_http_duration_seconds", phases), base_(base), tls_(base) {}

void HttpSeries::put(core::SeriesTable& table, Fixed which, double value) {
  static_assert(std::size(names) == fixed_count);
  table.add(pins_[which], value, [&] { return named(base_, names[which]); });
}

void HttpSeries::append(core::SeriesTable& table, const Sight& sight, const Verdict& verdict,
                        std::chrono::nanoseconds timeout) {
  Ending ending;
  ending.good = verdict.outcome == core::Outcome::ok;
  ending.took = sight.took;
  ending.timeout = timeout;
  ending.lookup = sight.lookup;
  ending.address = sight.address;
  ending_.append(table, ending);
  put(table, redirects, sight.redirects);
  put(table, ssl, sight.tls_used ? 1 : 0);
  put(table, failed_by_regex, verdict.failed_by_regex ? 1 : 0);
  const PhaseTimes& took = sight.phases;
  phases_.put(table, 0, took.resolve);
  if (sight.address) {
    std::size_t phase = 0;
    for (const auto time : {took.connect, took.tls, took.processing, took.transfer}) phases_.put(table, ++phase, time);
  }
  append_response(table, sight);
  if (sight.tls) tls_.append(table, *sight.tls);
}

void HttpSeries::append_response(core::SeriesTable& table, const Sight& sight) {
  const net::HttpResponse& response = sight.response;
  put(table, status, response.status);
  put(table, version, response.status == 0 ? 0 : response.version / 10.0);
  put(table, content_length, http::content_length(response));
  // A redirect that is not followed counts as not read.
  put(table, body_length, sight.redirect_refused ? 0 : static_cast<double>(response.body.size()));
  if (response.status == 0) return;
  if (const auto text = net::header(response.headers, "Last-Modified"); !text.empty()) {
    if (const auto time = parse_http_date(text)) put(table, last_modified, static_cast<double>(*time));
  }
}

}  // namespace tocsin::probes::http
