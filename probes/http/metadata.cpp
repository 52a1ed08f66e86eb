#include "tocsin/probes/http.hpp"

namespace tocsin::probes {
namespace {

constexpr auto gauge = core::MetricType::gauge;

constexpr core::MetricMeta metadata[] = {
    {"probe_success", gauge, "Whether the probe succeeded."},
    {"probe_duration_seconds", gauge, "How long the probe took."},
    {"probe_timeout_seconds", gauge, "How long the probe was allowed to take."},
    {"probe_dns_lookup_time_seconds", gauge, "How long the look-up of the target's name took."},
    {"probe_ip_protocol", gauge, "Version of IP the target was asked over: 4 or 6."},
    {"probe_ip_addr_hash", gauge, "Hash of the target's IP address, to notice that it changed."},
    {"probe_http_duration_seconds", gauge, "Duration of the HTTP request by phase, summed over all redirects."},
    {"probe_http_content_length", gauge, "Declared length of the response's body, -1 if it was not declared."},
    {"probe_http_uncompressed_body_length", gauge, "Length of the response's body."},
    {"probe_http_redirects", gauge, "Number of redirects."},
    {"probe_http_ssl", gauge, "Whether the last request went over TLS."},
    {"probe_http_status_code", gauge, "Status of the last response, 0 if there was none."},
    {"probe_http_version", gauge, "Version of HTTP of the last response."},
    {"probe_failed_due_to_regex", gauge, "Whether the probe failed because of a regular expression."},
    {"probe_http_last_modified_timestamp_seconds", gauge, "The response's Last-Modified as Unix time."},
    {"probe_ssl_earliest_cert_expiry", gauge, "When the first of the shown certificates expires, as Unix time."},
    {"probe_ssl_last_chain_expiry_timestamp_seconds", gauge, "When the verified chain expires, as Unix time."},
    {"probe_ssl_last_chain_info", gauge, "The certificate the peer showed."},
    {"probe_tls_version_info", gauge, "The version of TLS."},
    {"probe_tls_cipher_info", gauge, "The TLS cipher."},
};

}  // namespace

std::span<const core::MetricMeta> http_metadata() { return metadata; }

}  // namespace tocsin::probes
