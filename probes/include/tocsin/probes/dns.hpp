// Probing name servers: one question over UDP, TCP or TLS, and what the answer must be like. The metrics are
// blackbox_exporter's for its prober dns. What differs:
// - A datagram that does not answer our question (another identifier, another name) is not taken for the answer.
// - What a certificate says (DNS over TLS) is given as probe_ssl_* and probe_tls_*, also when it is not trusted.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tocsin/core/observation.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/dns_names.hpp"
#include "tocsin/probes/ip_protocol.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

/// What the records of one section must be like: RE2, not anchored, held against each record as
/// `name<TAB>ttl<TAB>class<TAB>type<TAB>data`.
struct DnsValidation {
  std::vector<std::string> fail_if_matches;        // one record that matches one of them is bad
  std::vector<std::string> fail_if_not_all_match;  // each record must match each of them; no record at all is good
  std::vector<std::string> fail_if_not_matches;    // each record must match each of them; no record at all is bad
  std::vector<std::string> fail_if_none_matches;   // one record must match one of them
  // (What blackbox_exporter calls fail_if_all_match_regexp is fail_if_not_all_match: so it works, whatever its name
  // says.)
  [[nodiscard]] bool empty() const {
    return fail_if_matches.empty() && fail_if_not_all_match.empty() && fail_if_not_matches.empty() &&
           fail_if_none_matches.empty();
  }
};

struct DnsOptions {
  std::string host;        // of the name server
  std::uint16_t port = 0;  // 0: 53, over TLS 853
  enum class Transport { udp, tcp, tls } transport = Transport::udp;
  net::TlsOptions tls;
  std::string query_name;  // "." or empty: the root
  std::uint16_t query_type = 1;
  std::uint16_t query_class = 1;
  bool recursion_desired = true;
  std::vector<std::uint16_t> valid_rcodes{0};
  DnsValidation answer, authority, additional;
  IpProtocol ip_protocol = IpProtocol::any;
  std::optional<net::Endpoint> source;
};

/// Throws std::invalid_argument where `check_dns` has something to say.
[[nodiscard]] std::unique_ptr<Prober> make_dns_prober(net::Connector& connector, net::Executor executor,
                                                      Identity identity, DnsOptions options);
/// Whether the name is one and regular expressions are such; Failure::detail names what is not.
[[nodiscard]] core::Result<void> check_dns(const DnsOptions& options);
[[nodiscard]] std::span<const core::MetricMeta> dns_metadata();

}  // namespace tocsin::probes
