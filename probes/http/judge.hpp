// Judges what a probe saw by what was expected. No sockets and no clock here.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/json_path.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/http.hpp"

namespace re2 {
class RE2;
}

namespace tocsin::probes::http {

/// Times by phase, summed over redirects; a phase that did not come to its end adds nothing.
struct PhaseTimes {
  std::chrono::nanoseconds resolve{0}, connect{0}, tls{0}, processing{0}, transfer{0};
};

/// All that one probe saw.
struct Sight {
  std::optional<core::Failure> failure;  // what stopped it
  std::optional<net::Endpoint> address;  // of the first host
  std::chrono::nanoseconds lookup{0};    // of the first host's name
  PhaseTimes phases;
  unsigned redirects = 0;            // as blackbox_exporter counts: the one that was not followed too
  bool redirect_refused = false;     // the last response is a redirect that was not followed
  net::HttpResponse response;        // the last one, as far as it came; status 0: none
  bool tls_used = false;             // the last response came over TLS
  std::optional<net::TlsInfo> tls;   // of the last handshake, also of one that failed
  std::chrono::nanoseconds took{0};  // all of it
};

/// Of a response that broke off: one whose headers did not come to their end counts as none, as in blackbox_exporter.
/// (So does one whose body only the end of the connection would delimit, if nothing of it came.)
void drop_headless(net::HttpResponse& response, std::size_t max_body);

struct Verdict {
  core::Outcome outcome = core::Outcome::ok;
  core::Phase phase = core::Phase::none;
  std::string detail;
  bool failed_by_regex = false;
};

/// HttpExpectations, compiled once.
class Judge {
 public:
  /// Throws std::invalid_argument where a regular expression or a path is not one.
  explicit Judge(HttpExpectations expect);
  ~Judge();
  [[nodiscard]] Verdict judge(const Sight& sight) const;

 private:
  [[nodiscard]] bool expects_status(unsigned status) const;
  [[nodiscard]] Verdict judge_status(unsigned status) const;
  [[nodiscard]] Verdict judge_body(std::string_view body) const;
  [[nodiscard]] Verdict judge_json(std::string_view body) const;

  HttpExpectations expect_;
  std::vector<std::unique_ptr<re2::RE2>> matches_;
  std::vector<std::unique_ptr<re2::RE2>> not_matches_;
  std::vector<core::JsonPath> paths_;
};

}  // namespace tocsin::probes::http
