// What a body is compressed with, and how it becomes plain again.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "tocsin/core/result.hpp"

namespace tocsin::net {

enum class Encoding { identity, gzip, deflate, brotli };

/// The name that headers have for it: `identity`, `gzip`, `deflate`, `br`.
[[nodiscard]] std::string_view to_string(Encoding encoding);
/// What a Content-Encoding of one word means (`x-gzip` too; nothing means identity); none if we do not know it.
[[nodiscard]] std::optional<Encoding> parse_encoding(std::string_view word);

/// The plain body. More than `limit` bytes of it is Outcome::limit, however few bytes stood for them; what is not
/// compressed in this way, or ends early, is Outcome::protocol. `deflate` is taken with zlib's header or without.
[[nodiscard]] core::Result<std::string> decode(std::string_view body, Encoding encoding, std::size_t limit);

}  // namespace tocsin::net
