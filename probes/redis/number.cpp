#include "redis/number.hpp"

#include <charconv>
#include <system_error>

namespace tocsin::probes::redis {
namespace {

constexpr double powers_of_ten[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr std::ptrdiff_t exact_digits = 15;  // any integer of that many digits is a double, and so is its power of ten

constexpr bool is_decimal_digit(char c) { return c >= '0' && c <= '9'; }

const char* read_any(const char* from, const char* to, double& value) {
  const auto [end, error] = std::from_chars(from, to, value);
  return error == std::errc{} ? end : nullptr;
}

}  // namespace

const char* read_number(const char* from, const char* to, double& value) {
  // Nearly all are short decimals: both parts of the division are exact, so its result is the nearest double, as
  // from_chars would have it, in a third of the time.
  const char* p = from;
  const bool negative = p != to && *p == '-';
  if (negative) ++p;
  const char* const digits = p;
  std::uint64_t mantissa = 0;
  for (; p != to && is_decimal_digit(*p) && p - digits <= exact_digits; ++p)
    mantissa = mantissa * 10 + static_cast<unsigned>(*p - '0');
  if (p == digits) return read_any(from, to, value);
  std::ptrdiff_t places = 0;
  std::ptrdiff_t count = p - digits;
  if (p != to && *p == '.') {
    const char* const fraction = ++p;
    for (; p != to && is_decimal_digit(*p) && count <= exact_digits; ++p, ++count) {
      mantissa = mantissa * 10 + static_cast<unsigned>(*p - '0');
    }
    places = p - fraction;
  }
  if (count > exact_digits || (p != to && (*p == 'e' || *p == 'E'))) return read_any(from, to, value);
  const double size = static_cast<double>(mantissa) / powers_of_ten[places];
  value = negative ? -size : size;
  return p;
}

std::optional<double> whole_number(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  if (read_number(text.data(), end, value) != end || text.empty()) return std::nullopt;
  return value;
}

}  // namespace tocsin::probes::redis
