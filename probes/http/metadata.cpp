#include <array>

#include "src/blackbox_series.hpp"
#include "tocsin/probes/http.hpp"

namespace tocsin::probes {
namespace {

constexpr auto gauge = core::MetricType::gauge;

constexpr std::array own = {
    core::MetricMeta{"probe_http_duration_seconds", gauge,
                     "Duration of the HTTP request by phase, summed over all redirects."},
    core::MetricMeta{"probe_http_content_length", gauge,
                     "Declared length of the response's body, -1 if it was not declared."},
    core::MetricMeta{"probe_http_uncompressed_body_length", gauge, "Length of the response's body."},
    core::MetricMeta{"probe_http_redirects", gauge, "Number of redirects."},
    core::MetricMeta{"probe_http_ssl", gauge, "Whether the last request went over TLS."},
    core::MetricMeta{"probe_http_status_code", gauge, "Status of the last response, 0 if there was none."},
    core::MetricMeta{"probe_http_version", gauge, "Version of HTTP of the last response."},
    core::MetricMeta{"probe_failed_due_to_regex", gauge, "Whether the probe failed because of a regular expression."},
    core::MetricMeta{"probe_http_last_modified_timestamp_seconds", gauge, "The response's Last-Modified as Unix time."},
    core::MetricMeta{"tocsin_probe_addresses", gauge, "How many addresses of the target were asked."},
    core::MetricMeta{"tocsin_probe_address_success", gauge, "Whether the target was good at this address."},
    core::MetricMeta{"tocsin_probe_address_duration_seconds", gauge, "How long the probe of this address took."},
    core::MetricMeta{"tocsin_probe_address_http_status_code", gauge,
                     "Status of the last response of this address, 0 if there was none."},
    core::MetricMeta{"tocsin_probe_address_cert_expiry_timestamp_seconds", gauge,
                     "When the first of the certificates that this address showed expires, as Unix time."},
};
constexpr auto metadata = joined(joined(ending_metadata, own), tls_metadata);

}  // namespace

std::span<const core::MetricMeta> http_metadata() { return metadata; }

}  // namespace tocsin::probes
