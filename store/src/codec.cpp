#include "src/codec.hpp"

#include <algorithm>

#include "src/segment.hpp"

namespace tocsin::store {
namespace {

constexpr std::int64_t max_integer = std::int64_t{1} << 53U;

/// Follows steps as the decoder would, with every bound checked. An integer stays one until its bits are asked for.
class Follower {
 public:
  explicit Follower(std::span<const std::uint8_t> steps) : at_(steps.data()), end_(at_ + steps.size()) {}

  [[nodiscard]] bool done() const { return at_ == end_; }
  [[nodiscard]] bool stale() const { return stale_; }
  /// The next step is the end of the series.
  [[nodiscard]] bool ends() const { return *at_ == stale_step; }
  [[nodiscard]] std::uint64_t bits() const {
    if (stale_) return core::stale_bits;
    return is_integer_ ? std::bit_cast<std::uint64_t>(static_cast<double>(integer_)) : bits_;
  }
  /// How many rows the next step is for; 0 where the decoder would read on behind the end or take no integer for one.
  std::uint32_t next() {
    const std::uint32_t first = *at_++;
    if (first < 0x40) return first + 1;
    if (static_cast<std::size_t>(end_ - at_) < bytes_after(first)) return 0;
    return step(first) ? 1 : 0;
  }

 private:
  bool step(std::uint32_t first) {
    if (first == stale_step) {
      stale_ = true;
      return true;
    }
    if (stale_) {
      stale_ = false;
      is_integer_ = true;
      integer_ = 0;
    }
    if (first == decimal_step) return decimal();
    if (first >= 0xf0) {
      bits_ = bits() ^ read_xor(first, at_);
      is_integer_ = false;
      return bits_ != core::stale_bits;  // that has a step of its own
    }
    if (!is_integer_) {
      const auto integer = as_integer(bits_);
      if (!integer) return false;
      integer_ = *integer;
      is_integer_ = true;
    }
    integer_ += read_difference(first, at_);
    return integer_ > -max_integer && integer_ < max_integer;
  }

  bool decimal() {
    if (*at_ >> 6U >= std::size(decimal_scales) || end_ - at_ <= (*at_ >> 4U & 3U)) return false;
    const auto step = read_decimal(at_);
    const auto before = bits();
    if (!as_decimal(before, step.scale)) return false;
    bits_ = apply(step, before);
    is_integer_ = false;
    return true;
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::int64_t integer_ = 0;
  std::uint64_t bits_ = 0;
  bool is_integer_ = true;
  bool stale_ = false;
};

std::optional<Examined> examine_column(std::span<const std::uint8_t> steps, std::uint32_t rows) {
  if (!sound_column(steps)) return std::nullopt;
  return Examined{rows, rows - 1, decode_one(steps, rows - 1)};
}

}  // namespace

std::optional<Examined> examine(std::span<const std::uint8_t> steps, std::uint32_t rows) {
  if (is_column(steps)) return examine_column(steps, rows);
  Examined found;
  if (steps.size() == 1 && steps.front() == stale_step) return found;
  Follower follower(steps);
  std::uint32_t row = 0;    // the next step's first
  std::uint32_t since = 0;  // there are samples from here on, if it is not stale
  const auto count = [&] {
    const auto until = std::min(row, rows);
    if (follower.stale() || since >= until) return;
    found.samples += until - since;
    found.last_row = until - 1;
    found.last = follower.bits();
    since = until;
  };
  while (!follower.done()) {
    const bool was_stale = follower.stale();
    // The value is needed before it is gone: at a gap, and behind the last row that is wanted.
    if (row >= rows || follower.ends()) count();
    const auto length = follower.next();
    if (was_stale && !follower.stale()) since = row;
    row += length;
    if (length == 0 || row > max_rows) return std::nullopt;
  }
  if (row < rows) row = rows;
  count();
  return found;
}

}  // namespace tocsin::store
