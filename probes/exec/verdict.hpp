// What a check program's end means. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/result.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/net/process.hpp"

namespace tocsin::probes::exec {

/// The first line with something in it, printable and short, every one of these secrets left out.
[[nodiscard]] std::string first_line(std::string_view text, const std::vector<core::Secret>& secrets);

/// The exit status as a shell has it: 128 and the signal where one ended it.
[[nodiscard]] int status_of(const net::ProcessExit& exit);
/// Why it is not good; nothing if it is.
[[nodiscard]] std::optional<core::Failure> judge(const net::ProcessExit& exit, const std::vector<int>& good,
                                                 const std::vector<core::Secret>& secrets);

}  // namespace tocsin::probes::exec
