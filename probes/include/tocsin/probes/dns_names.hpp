// The words of DNS and their numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace tocsin::probes {

using DnsName = std::pair<std::string_view, std::uint16_t>;

inline constexpr auto dns_types = std::to_array<DnsName>(
    {{"A", 1},       {"NS", 2},       {"CNAME", 5},       {"SOA", 6},    {"PTR", 12},    {"HINFO", 13},
     {"MX", 15},     {"TXT", 16},     {"RP", 17},         {"AFSDB", 18}, {"AAAA", 28},   {"LOC", 29},
     {"SRV", 33},    {"NAPTR", 35},   {"KX", 36},         {"CERT", 37},  {"DNAME", 39},  {"APL", 42},
     {"DS", 43},     {"SSHFP", 44},   {"IPSECKEY", 45},   {"RRSIG", 46}, {"NSEC", 47},   {"DNSKEY", 48},
     {"DHCID", 49},  {"NSEC3", 50},   {"NSEC3PARAM", 51}, {"TLSA", 52},  {"SMIMEA", 53}, {"HIP", 55},
     {"CDS", 59},    {"CDNSKEY", 60}, {"OPENPGPKEY", 61}, {"CSYNC", 62}, {"ZONEMD", 63}, {"SVCB", 64},
     {"HTTPS", 65},  {"SPF", 99},     {"NID", 104},       {"L32", 105},  {"L64", 106},   {"LP", 107},
     {"EUI48", 108}, {"EUI64", 109},  {"ANY", 255},       {"URI", 256},  {"CAA", 257}});
inline constexpr auto dns_classes =
    std::to_array<DnsName>({{"IN", 1}, {"CH", 3}, {"HS", 4}, {"NONE", 254}, {"ANY", 255}});
inline constexpr auto dns_rcodes = std::to_array<DnsName>(
    {{"NOERROR", 0},  {"FORMERR", 1},   {"SERVFAIL", 2},  {"NXDOMAIN", 3}, {"NOTIMP", 4},   {"NOTIMPL", 4},
     {"REFUSED", 5},  {"YXDOMAIN", 6},  {"YXRRSET", 7},   {"NXRRSET", 8},  {"NOTAUTH", 9},  {"NOTZONE", 10},
     {"BADVERS", 16}, {"BADSIG", 16},   {"BADKEY", 17},   {"BADTIME", 18}, {"BADMODE", 19}, {"BADNAME", 20},
     {"BADALG", 21},  {"BADTRUNC", 22}, {"BADCOOKIE", 23}});

template <std::size_t N>
[[nodiscard]] constexpr std::optional<std::uint16_t> dns_number(const std::array<DnsName, N>& names,
                                                                std::string_view word) {
  for (const auto& [name, number] : names) {
    if (name == word) return number;
  }
  return std::nullopt;
}

}  // namespace tocsin::probes
