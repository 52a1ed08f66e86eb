// DNS messages to and from bytes, by libldns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/result.hpp"

namespace tocsin::probes::dns {

inline constexpr std::size_t max_message = 65'535;

struct Question {
  std::string name;
  std::uint16_t type = 1;
  std::uint16_t query_class = 1;
  bool recursion_desired = true;
};

/// The query's bytes. A failure if the name is none.
[[nodiscard]] core::Result<std::string> write_query(const Question& question, std::uint16_t id);

/// Whether these bytes claim to answer that query: its identifier, and its question as far as one is repeated.
[[nodiscard]] bool answers(std::string_view reply, std::string_view query);

struct Record {
  std::string text;  // as zone files have it, parts divided by tabs
  std::uint16_t type = 0;
};

struct Service {  // what an SRV record says
  std::string host;
  std::uint16_t port = 0;
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint32_t ttl = 0;
};

struct Reply {
  unsigned rcode = 0;
  bool truncated = false;
  std::size_t answers = 0, authorities = 0, additionals = 0;
  std::optional<std::uint32_t> serial;                     // of the answer's last SOA record
  std::vector<std::string> answer, authority, additional;  // records as text, where that was asked for
  std::vector<Service> services;                           // of the answer's SRV records
};

struct Wanted {
  bool answer = false, authority = false, additional = false;
};

/// A failure if the bytes are no message.
[[nodiscard]] core::Result<Reply> read_reply(std::string_view bytes, Wanted texts);

}  // namespace tocsin::probes::dns
