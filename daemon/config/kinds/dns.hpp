// The keys of a job that DNS probes bring.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/probes/dns.hpp"

namespace tocsin::daemon::model {

struct DnsKeys {
  std::string query_name;
  std::optional<std::uint16_t> query_type;
  std::optional<std::uint16_t> query_class;
  std::optional<bool> recursion_desired;
  std::vector<std::uint16_t> valid_rcodes;
  probes::DnsValidation answer, authority, additional;
  std::optional<probes::DnsOptions::Transport> transport;
};

}  // namespace tocsin::daemon::model
