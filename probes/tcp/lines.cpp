#include "tcp/lines.hpp"

#include <algorithm>

namespace tocsin::probes::tcp {

std::span<char> Lines::space() {
  constexpr std::size_t first = 1000;
  if (begin_ == end_) begin_ = end_ = searched_ = 0;
  if (begin_ > 0 && end_ == buffer_.size()) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    searched_ = searched_ > begin_ ? searched_ - begin_ : 0;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(std::min(std::max(first, end_ * 2), longest));
  return std::span<char>(buffer_).subspan(end_);
}

std::string_view Lines::take(std::size_t size, std::size_t and_drop) {
  const std::string_view taken = std::string_view(buffer_).substr(begin_, size);
  begin_ += size + and_drop;
  searched_ = begin_;
  return taken;
}

std::optional<std::string_view> Lines::line() {
  const std::size_t from = std::max(searched_, begin_);
  const std::size_t at = std::string_view(buffer_).substr(0, end_).find('\n', from);
  if (at == std::string_view::npos) {
    searched_ = end_;
    return std::nullopt;
  }
  std::string_view line = take(at - begin_, 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<std::string_view> Lines::last_line() {
  if (auto whole = line()) return whole;
  if (empty()) return std::nullopt;
  std::string_view line = take(end_ - begin_, 0);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<std::string_view> Lines::bytes(std::size_t size) {
  if (end_ - begin_ < size) return std::nullopt;
  return take(size, 0);
}

}  // namespace tocsin::probes::tcp
