// A talk with a peer, step by step: what it must say, and what is said to it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tocsin/core/result.hpp"

namespace tocsin::probes {

/// One step: first wait for what is expected, then send, then TLS.
struct DialogStep {
  std::string expect;        // RE2, not anchored: what the peer says is read until it matches; empty: nothing is read
  std::string expect_bytes;  // the next bytes must be these; TCP only
  /// Labels of probe_expect_info, given when `expect` matched; $1, ${1} and ${name} stand for its groups. TCP only.
  std::vector<std::pair<std::string, std::string>> labels;
  std::string send;        // with groups of `expect` as above; over TCP a line end follows it
  bool start_tls = false;  // TCP only
};

/// Whether the regular expressions and label names are such; Failure::detail names the one that is not.
[[nodiscard]] core::Result<void> check_dialog(const std::vector<DialogStep>& steps);

}  // namespace tocsin::probes
