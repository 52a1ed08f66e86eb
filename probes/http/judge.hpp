// Judges what a probe saw by what was expected. No sockets and no clock here.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/sight.hpp"
#include "tocsin/core/condition.hpp"
#include "tocsin/core/json_path.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/probes/http.hpp"

namespace tocsin::probes::http {

struct Verdict {
  core::Outcome outcome = core::Outcome::ok;
  core::Phase phase = core::Phase::none;
  std::string detail;
  bool failed_by_regex = false;  // by an expectation on the headers or on the body's text
};

/// HttpExpectations, compiled once.
class Judge {
 public:
  /// Throws std::invalid_argument where a regular expression, a condition or a path is not one.
  explicit Judge(HttpExpectations expect);
  ~Judge();
  [[nodiscard]] Verdict judge(const Sight& sight) const;

 private:
  [[nodiscard]] bool expects_status(unsigned status) const;
  [[nodiscard]] Verdict judge_status(unsigned status) const;
  [[nodiscard]] Verdict judge_headers(const net::Headers& headers) const;
  [[nodiscard]] Verdict judge_body(std::string_view body) const;
  [[nodiscard]] Verdict judge_json(std::string_view body) const;
  [[nodiscard]] Verdict judge_version(unsigned version) const;
  [[nodiscard]] Verdict judge_tls(const Sight& sight) const;
  [[nodiscard]] Verdict judge_time(const Sight& sight) const;

  HttpExpectations expect_;
  std::vector<std::shared_ptr<const re2::RE2>> matches_;
  std::vector<std::shared_ptr<const re2::RE2>> not_matches_;
  std::vector<std::pair<core::JsonPath, core::Condition>> json_;
  std::vector<core::Condition> headers_;
};

}  // namespace tocsin::probes::http
