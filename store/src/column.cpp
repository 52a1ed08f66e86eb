#include "src/column.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>

#include "src/codec.hpp"

namespace tocsin::store {
namespace {

constexpr std::uint32_t max_width = 31;
constexpr std::size_t head_bytes = 3;
constexpr std::size_t least_column = 8;  // steps of no more bytes are short enough
constexpr std::uint32_t least_rows = 4;
constexpr std::int64_t max_value = std::int64_t{1} << 53U;
constexpr std::int64_t max_difference = std::int64_t{1} << 55U;  // of differences, too
constexpr std::int64_t max_distance = std::int64_t{1} << 31U;

using Bits = std::array<std::uint64_t, max_rows>;
using Integers = std::array<std::int64_t, max_rows>;

std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1U ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
}

std::size_t varint_bytes(std::int64_t value) {
  return (static_cast<std::size_t>(std::bit_width(zigzag(value) | 1U)) + 6) / 7;
}

std::uint8_t* put_varint(std::int64_t value, std::uint8_t* out) {
  auto left = zigzag(value);
  for (; left >= 0x80; left >>= 7U) *out++ = static_cast<std::uint8_t>(left | 0x80U);
  *out++ = static_cast<std::uint8_t>(left);
  return out;
}

std::int64_t get_varint(const std::uint8_t*& at) {
  std::uint64_t value = 0;
  for (std::uint32_t shift = 0;; shift += 7) {
    const std::uint64_t byte = *at++;
    value |= (byte & 0x7fU) << shift;
    if (byte < 0x80) return unzigzag(value);
  }
}

/// False where a marker stands: a column has a value in each row.
bool read_all(std::span<const std::uint8_t> steps, std::uint32_t rows, Bits& out) {
  Decoder decoder(steps);
  for (std::uint32_t row = 0; row < rows;) {
    const auto run = decoder.next();
    if (run.bits == core::stale_bits) return false;
    for (const auto stop = run.length >= rows - row ? rows : row + run.length; row < stop; ++row) out[row] = run.bits;
  }
  return true;
}

std::optional<std::int64_t> at_scale(std::uint64_t bits, std::size_t scale) {
  return scale == 0 ? as_integer(bits) : as_decimal(bits, column_scales[scale]);
}

/// The first scale by which all of them are integers.
std::optional<std::size_t> common_scale(const Bits& bits, std::uint32_t rows, Integers& out) {
  for (std::size_t scale = 0; scale < column_scales.size(); ++scale) {
    std::uint32_t row = 0;
    for (; row < rows; ++row) {
      const auto integer = at_scale(bits[row], scale);
      if (!integer) break;
      out[row] = *integer;
    }
    if (row == rows) return scale;
  }
  return std::nullopt;
}

/// How a column would be written.
struct Plan {
  bool deep = false;
  std::int64_t least = 0;
  std::uint32_t width = 0;
  std::size_t size = 0;
};

/// What is written of each row from `deep ? 2 : 1` on.
std::int64_t difference(const Integers& values, std::uint32_t row, bool deep) {
  const auto first = values[row] - values[row - 1];
  return deep ? first - (values[row - 1] - values[row - 2]) : first;
}

std::optional<Plan> plan(const Integers& values, std::uint32_t rows, bool deep) {
  const std::uint32_t known = deep ? 2 : 1;
  auto least = difference(values, known, deep);
  auto most = least;
  for (auto row = known + 1; row < rows; ++row) {
    const auto d = difference(values, row, deep);
    least = std::min(least, d);
    most = std::max(most, d);
  }
  const auto width = static_cast<std::uint32_t>(std::bit_width(static_cast<std::uint64_t>(most - least)));
  if (width > max_width) return std::nullopt;
  const auto packed = (static_cast<std::size_t>(rows - known) * width + 7) / 8;
  const auto second = deep ? varint_bytes(values[1] - values[0]) : 0;
  return Plan{deep, least, width, head_bytes + varint_bytes(values[0]) + second + varint_bytes(least) + packed};
}

void write(const Plan& plan, std::size_t scale, const Integers& values, std::uint32_t rows, std::uint8_t* out) {
  std::memset(out, 0, plan.size);
  const auto n = rows - 1;
  *out++ = column_step;
  *out++ = static_cast<std::uint8_t>(column_mark | (plan.deep ? 0x20U : 0U) | scale << 3U | n >> 3U);
  *out++ = static_cast<std::uint8_t>(n << 5U | plan.width);
  out = put_varint(values[0], out);
  if (plan.deep) out = put_varint(values[1] - values[0], out);
  out = put_varint(plan.least, out);
  std::size_t bit = 0;
  for (std::uint32_t row = plan.deep ? 2 : 1; row < rows; ++row, bit += plan.width) {
    auto above = static_cast<std::uint64_t>(difference(values, row, plan.deep) - plan.least) << bit % 8;
    for (auto* byte = out + bit / 8; above != 0; above >>= 8U) *byte++ |= static_cast<std::uint8_t>(above);
  }
}

/// A varint within bounds; false if it is cut off or too large.
bool sound_varint(std::span<const std::uint8_t>& left, std::int64_t limit, std::int64_t& value) {
  std::size_t size = 0;
  while (size < left.size() && left[size] >= 0x80) ++size;
  if (size == left.size() || size > 8) return false;
  const auto* at = left.data();
  value = get_varint(at);
  left = left.subspan(size + 1);
  return value > -limit && value < limit;
}

/// What is the same in columns of the same bits: all of the first bytes but the scale.
struct Form {
  std::uint32_t rows = 0;
  std::uint32_t width = 0;
  bool deep = false;
  bool operator==(const Form&) const = default;
  [[nodiscard]] std::size_t packed() const { return (static_cast<std::size_t>(rows - (deep ? 2 : 1)) * width + 7) / 8; }
};

Form form_of(std::span<const std::uint8_t> column) {
  return {((column[1] & 7U) << 3U | column[2] >> 5U) + 1U, column[2] & 0x1fU, (column[1] & 0x20U) != 0};
}

/// The bytes in front of a column's bits; 0 if it is cut off there.
std::size_t size_of_head(std::span<const std::uint8_t> column) {
  if (column.size() < head_bytes || !is_column(column)) return 0;
  auto left = column.subspan(head_bytes);
  std::int64_t number = 0;
  for (int numbers = form_of(column).deep ? 3 : 2; numbers > 0; --numbers) {
    if (!sound_varint(left, max_difference, number)) return 0;
  }
  return column.size() - left.size();
}

std::uint64_t hash_of(std::span<const std::uint8_t> column, std::size_t head) {
  const auto bits = column.subspan(head);
  const auto form = form_of(column);
  const std::uint64_t seed = form.rows << 6U | form.width << 1U | (form.deep ? 1U : 0U);
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(bits.data()), bits.size()}) ^
         seed * 0x9e3779b97f4a7c15ULL;
}

bool same_bits(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  return form_of(a) == form_of(b) && std::ranges::equal(a.subspan(size_of_head(a)), b.subspan(size_of_head(b)));
}

}  // namespace

std::size_t Likenesses::write(std::uint32_t head, std::span<const std::uint8_t> payload, std::size_t column,
                              ColumnBuffer& out) {
  const auto mine = payload.last(column);
  const auto own = size_of_head(mine);
  if (own == 0 || own == column) return 0;
  const auto [known, fresh] = shown_.try_emplace(hash_of(mine, own), Shown{head, payload.size() - column, column});
  if (fresh || !same_bits(mine, payload.subspan(known->second.at, known->second.size))) return 0;
  out[0] = out[1] = 0xff;
  auto* const end = std::copy_n(mine.begin(), own, put_varint(head - known->second.head, out.data() + 2));
  const auto size = static_cast<std::size_t>(end - out.data());
  return size < column ? size : 0;
}

std::uint32_t likeness_distance(std::span<const std::uint8_t> likeness) {
  auto left = likeness.subspan(2);
  std::int64_t distance = 0;
  if (!sound_varint(left, max_distance, distance) || distance < 1) return 0;
  return static_cast<std::uint32_t>(distance);
}

std::optional<std::span<const std::uint8_t>> column_like(std::span<const std::uint8_t> likeness,
                                                         std::span<const std::uint8_t> other, ColumnBuffer& space) {
  auto own = likeness.subspan(2);
  std::int64_t distance = 0;
  if (!sound_varint(own, max_distance, distance)) return std::nullopt;
  const auto bits_at = size_of_head(other);
  if (bits_at == 0 || size_of_head(own) != own.size() || own.empty() || !(form_of(own) == form_of(other))) {
    return std::nullopt;
  }
  const auto bits = other.subspan(bits_at);
  if (bits.size() != form_of(own).packed() || own.size() + bits.size() > space.size()) return std::nullopt;
  const auto end = std::ranges::copy(bits, std::ranges::copy(own, space.begin()).out).out;
  return std::span<const std::uint8_t>(space.begin(), end);
}

ColumnReader::ColumnReader(std::span<const std::uint8_t> steps) : at_(steps.data() + head_bytes) {
  const Form form = form_of(steps);
  deep_ = form.deep;
  scale_ = column_scales[steps[1] >> 3U & 3U];
  left_ = form.rows;
  width_ = form.width;
  known_ = deep_ ? 2 : 1;
  value_ = get_varint(at_);
  if (deep_) difference_ = get_varint(at_);
  least_ = get_varint(at_);
  value_ -= difference_;  // the first row adds it again
}

std::int64_t ColumnReader::above() {
  if (width_ == 0) return 0;
  const auto* byte = at_ + bit_ / 8;
  const auto skip = bit_ % 8;
  std::uint64_t value = 0;
  for (std::uint32_t have = 0; have < skip + width_; have += 8) value |= static_cast<std::uint64_t>(*byte++) << have;
  bit_ += width_;
  return static_cast<std::int64_t>(value >> skip & ((std::uint64_t{1} << width_) - 1));
}

std::uint64_t ColumnReader::next() {
  if (known_ > 0) {
    --known_;
  } else {
    const auto d = least_ + above();
    difference_ = deep_ ? difference_ + d : d;
  }
  value_ += difference_;
  --left_;
  return std::bit_cast<std::uint64_t>(static_cast<double>(value_) / scale_);
}

std::size_t write_column(std::span<const std::uint8_t> steps, std::uint32_t rows, ColumnBuffer& out) {
  if (steps.size() <= least_column || rows < least_rows) return 0;
  Bits bits;
  Integers values;
  if (!read_all(steps, rows, bits)) return 0;
  const auto scale = common_scale(bits, rows, values);
  if (!scale) return 0;
  auto best = plan(values, rows, false);
  const auto deep = plan(values, rows, true);
  if (deep && (!best || deep->size < best->size)) best = deep;
  if (!best || best->size >= steps.size()) return 0;
  write(*best, *scale, values, rows, out.data());
  return best->size;
}

bool sound_column(std::span<const std::uint8_t> steps) {
  const Form form = form_of(steps);
  if (form.rows < least_rows) return false;
  auto left = steps.subspan(head_bytes);
  std::int64_t value = 0;
  std::int64_t first = 0;
  std::int64_t least = 0;
  if (!sound_varint(left, max_value, value)) return false;
  if (form.deep && !sound_varint(left, max_difference, first)) return false;
  if (!sound_varint(left, max_difference, least)) return false;
  if (left.size() != form.packed()) return false;
  // By the reader itself: its sums stay far below the end of their type as long as each row is checked before the next.
  ColumnReader reader(steps);
  while (reader.left() > 0) {
    static_cast<void>(reader.next());
    if (!reader.within(max_value, max_difference)) return false;
  }
  return true;
}

}  // namespace tocsin::store
