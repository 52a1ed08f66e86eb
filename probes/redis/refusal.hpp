// What an error reply means.
#pragma once

#include <string_view>

#include "redis/question.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::probes::redis {

/// The failure that an error reply to a question is. The detail holds the server's words without `password`, and
/// without the arguments that some servers repeat.
[[nodiscard]] core::Failure refusal(Question question, std::string_view error, std::string_view password);
/// Whether an error says "not now" rather than "no".
[[nodiscard]] bool is_passing(std::string_view error);

}  // namespace tocsin::probes::redis
