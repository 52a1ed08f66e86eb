#include "redis/layout.hpp"

#include <cstring>

#include "redis/number.hpp"

namespace tocsin::probes::redis {

bool Layout::read(std::string_view text, std::span<double> numbers) const {
  if (pieces_.empty()) return false;
  double* number = numbers.data();
  const char* p = text.data();
  const char* const end = p + text.size();
  const char* const literals = literals_.data();
  std::size_t done = 0;
  const auto literal = [&](std::size_t until) {
    const std::size_t size = until - done;
    if (static_cast<std::size_t>(end - p) < size || std::memcmp(p, literals + done, size) != 0) return false;
    p += size;
    done = until;
    return true;
  };
  for (const Piece& piece : pieces_) {
    if (!literal(piece.literal_end)) return false;
    if (piece.is_number != 0) {
      p = read_number(p, end, *number++);
      if (p == nullptr) return false;
    } else {
      const void* const newline = std::memchr(p, '\n', static_cast<std::size_t>(end - p));
      p = newline != nullptr ? static_cast<const char*>(newline) : end;
    }
  }
  return literal(literals_.size()) && p == end;
}

void Layout::begin(std::string_view text) {
  clear();
  rest_ = text;
}

void Layout::piece(std::string_view token, bool is_number) {
  const auto before = static_cast<std::size_t>(token.data() - rest_.data());
  literals_.append(rest_.substr(0, before));
  rest_.remove_prefix(before + token.size());
  const auto literal_end = static_cast<std::uint32_t>(literals_.size()) & 0x7fffffffU;
  pieces_.push_back({literal_end, is_number ? 1U : 0U});
}

void Layout::number(std::string_view token) {
  piece(token, true);
  ++numbers_;
}

void Layout::rest_of_line(std::string_view token) { piece(token, false); }

void Layout::end() {
  literals_.append(rest_);
  rest_ = {};
  // One for each of many servers, kept for long.
  literals_.shrink_to_fit();
  pieces_.shrink_to_fit();
}

void Layout::clear() {
  pieces_.clear();
  literals_.clear();
  numbers_ = 0;
}

}  // namespace tocsin::probes::redis
