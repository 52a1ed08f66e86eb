#include "http_gzip.hpp"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>

namespace tocsin::net {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// `q=0`, `q=0.000`: not acceptable.
bool is_zero_weight(std::string_view parameters) {
  const std::size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return false;
  const std::string_view weight = trim(parameters.substr(at + 2));
  return !weight.empty() && weight.find_first_not_of("0.") == std::string_view::npos;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  bool any = false;
  while (!accept_encoding.empty()) {
    const std::size_t end = std::min(accept_encoding.find(','), accept_encoding.size());
    const std::string_view entry = accept_encoding.substr(0, end);
    accept_encoding.remove_prefix(std::min(end + 1, accept_encoding.size()));
    const std::size_t semicolon = std::min(entry.find(';'), entry.size());
    const std::string_view name = trim(entry.substr(0, semicolon));
    const bool good = !is_zero_weight(entry.substr(semicolon));
    if (name == "gzip" || name == "x-gzip") return good;
    if (name == "*") any = good;
  }
  return any;
}

std::optional<std::string> gzip(std::string_view text) {
  // On an exposition's text several times as fast as zlib at its fastest, and as small (docs/performance.md).
  const auto stream = std::make_unique<isal_zstream>();
  const auto table = std::make_unique_for_overwrite<std::uint8_t[]>(ISAL_DEF_LVL1_DEFAULT);
  // What does not shrink is stored, in blocks of 64 KiB. Memory that was never touched costs nothing.
  const std::size_t bound = text.size() + text.size() / 1024 + 1024;
  if (bound > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  const auto out = std::make_unique_for_overwrite<std::uint8_t[]>(bound);
  isal_deflate_stateless_init(stream.get());
  stream->gzip_flag = IGZIP_GZIP;
  stream->level = 1;
  stream->level_buf = table.get();
  stream->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
  stream->end_of_stream = 1;
  // It does not write through next_in, but its type is not const.
  stream->next_in = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  stream->avail_in = static_cast<std::uint32_t>(text.size());
  stream->next_out = out.get();
  stream->avail_out = static_cast<std::uint32_t>(bound);
  if (isal_deflate_stateless(stream.get()) != COMP_OK) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(out.get()), stream->total_out);
}

}  // namespace tocsin::net
