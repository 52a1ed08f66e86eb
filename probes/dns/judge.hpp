// Judges a name server's answer by what was expected. No sockets and no clock here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dns/message.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/probes/dns.hpp"

namespace re2 {
class RE2;
}

namespace tocsin::probes::dns {

class Judge {
 public:
  /// Throws std::invalid_argument where a regular expression is not one.
  explicit Judge(const DnsOptions& options);
  ~Judge();
  /// Which sections' records are needed as text.
  [[nodiscard]] Wanted wanted() const;
  /// Nothing if the answer is good.
  [[nodiscard]] std::optional<core::Failure> judge(const Reply& reply) const;

 private:
  using Regexes = std::vector<std::unique_ptr<re2::RE2>>;
  struct Section {
    explicit Section(const DnsValidation& validation);
    Regexes matches, not_all_match, not_matches, none_matches;
    bool empty = true;
  };
  [[nodiscard]] static std::optional<core::Failure> judge_section(const Section& section, const std::string& name,
                                                                  const std::vector<std::string>& records);

  std::vector<std::uint16_t> valid_rcodes_;
  Section answer_, authority_, additional_;
};

/// NXDOMAIN, or the number of what has no name.
[[nodiscard]] std::string rcode_name(unsigned rcode);

}  // namespace tocsin::probes::dns
