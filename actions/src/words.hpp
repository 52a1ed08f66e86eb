// What is told to people of what others said: short, clean and without secrets. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/secret.hpp"

namespace tocsin::actions {

/// What must not be told.
using Secrets = std::vector<core::Secret>;

/// Adds a secret, and each line and each word of it by itself: `Bearer abc` hides `abc` as well, and a key file each of
/// its lines. What has three bytes or fewer hides nothing.
void add_secret(Secrets& secrets, std::string_view text);

/// The first line of a text that is not blank, at most 200 bytes of it: secrets hidden, control characters and what is
/// not UTF-8 replaced.
[[nodiscard]] std::string first_line(std::string_view text, const Secrets& secrets);

/// A reason as a platform gives it: the message of a JSON object (`message`, `error`, `detail`, `title`), or else the
/// first line.
[[nodiscard]] std::string reason_in(std::string_view body, const Secrets& secrets);

}  // namespace tocsin::actions
