// Compressing responses.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tocsin::net {

/// Whether an Accept-Encoding header takes gzip.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);
/// Nothing for more than 4 GiB.
[[nodiscard]] std::optional<std::string> gzip(std::string_view text);

}  // namespace tocsin::net
