#include "src/owed_codec.hpp"

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace tocsin::state {
namespace {

constexpr char version = 1;

// Which of the optional fields are there.
constexpr std::uint64_t has_fired = 1;
constexpr std::uint64_t has_resolved = 2;
constexpr std::uint64_t has_keep_firing = 4;
constexpr std::uint64_t is_held = 8;
constexpr std::uint64_t all_flags = 15;

void put(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7U) out += static_cast<char>((number & 0x7fU) | 0x80U);
  out += static_cast<char>(number);
}

void put(std::string& out, std::string_view text) {
  put(out, std::uint64_t{text.size()});
  out += text;
}

/// Small of either sign is short.
void put(std::string& out, core::TimePoint time) {
  const std::int64_t ms = core::to_millis(time);
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(ms) << 1U;
  put(out, ms < 0 ? ~bits : bits);
}

void put(std::string& out, const core::Labels& labels) {
  put(out, std::uint64_t{labels.size()});
  for (const core::Label& label : labels) {
    put(out, std::string_view(label.name));
    put(out, std::string_view(label.value));
  }
}

/// Reads from the front; after the first thing that is not there, everything is empty and `good` is false.
class Bytes {
 public:
  explicit Bytes(std::string_view rest) : rest_(rest) {}

  [[nodiscard]] bool ended() const { return good_ && rest_.empty(); }
  [[nodiscard]] bool good() const { return good_; }

  unsigned char byte() {
    if (rest_.empty()) good_ = false;
    if (!good_) return 0;
    const auto first = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const unsigned char next = byte();
      const std::uint64_t part = next & 0x7fU;
      const bool canonical = (shift == 0 || next != 0) && (shift < 63 || part < 2);
      if (!canonical) break;
      value |= part << shift;
      if ((next & 0x80U) == 0) return value;
    }
    good_ = false;
    return 0;
  }

  std::string_view text() {
    const std::uint64_t size = number();
    if (size > rest_.size()) good_ = false;
    if (!good_) return {};
    const std::string_view found = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(found.size());
    return found;
  }

  core::TimePoint time() {
    const std::uint64_t bits = number();
    const std::uint64_t half = bits >> 1U;
    return core::from_millis(std::bit_cast<std::int64_t>((bits & 1U) != 0 ? ~half : half));
  }

  double real() {
    std::uint64_t bits = 0;
    for (unsigned shift = 0; shift < 64; shift += 8) bits |= std::uint64_t{byte()} << shift;
    return std::bit_cast<double>(bits);
  }

  core::Labels labels() {
    const std::uint64_t count = number();
    if (count > rest_.size() / 2) good_ = false;
    std::vector<core::Label> found;
    for (std::uint64_t i = 0; good_ && i < count; ++i) {
      const std::string_view name = text();
      const std::string_view value = text();
      found.push_back({std::string(name), std::string(value)});
    }
    core::Labels made(std::move(found));
    if (made.size() != count) good_ = false;  // a name twice, or an empty value: not what was written
    return made;
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

std::uint64_t flags_of(const core::Alert& alert) {
  return (alert.fired_at ? has_fired : 0) | (alert.resolved_at ? has_resolved : 0) |
         (alert.keep_firing_since ? has_keep_firing : 0) | (alert.held ? is_held : 0);
}

}  // namespace

std::string encode(const core::Labels& labels) {
  std::string out;
  put(out, labels);
  return out;
}

std::optional<core::Labels> decode_labels(std::string_view bytes) {
  Bytes in(bytes);
  core::Labels labels = in.labels();
  if (!in.ended()) return std::nullopt;
  return labels;
}

std::string encode(const core::AlertChange& change) {
  const core::Alert& alert = change.alert;
  std::string out(1, version);
  out += static_cast<char>(change.kind);
  out += static_cast<char>(alert.state);
  put(out, flags_of(alert));
  put(out, change.at);
  put(out, alert.labels);
  put(out, alert.annotations);
  const auto bits = std::bit_cast<std::uint64_t>(alert.value);
  for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>((bits >> shift) & 0xffU);
  put(out, alert.active_at);
  if (alert.fired_at) put(out, *alert.fired_at);
  if (alert.resolved_at) put(out, *alert.resolved_at);
  if (alert.keep_firing_since) put(out, *alert.keep_firing_since);
  put(out, alert.valid_until);
  put(out, std::string_view(alert.rule));
  put(out, std::string_view(alert.group));
  put(out, std::string_view(alert.expression));
  return out;
}

std::optional<core::AlertChange> decode_change(std::string_view bytes) {
  Bytes in(bytes);
  if (in.byte() != version) return std::nullopt;
  const unsigned char kind = in.byte();
  const unsigned char state = in.byte();
  const std::uint64_t flags = in.number();
  const bool known = kind <= static_cast<unsigned char>(core::AlertChange::Kind::gone) &&
                     state <= static_cast<unsigned char>(core::AlertState::firing) && flags <= all_flags;
  if (!known) return std::nullopt;
  core::AlertChange change;
  change.kind = static_cast<core::AlertChange::Kind>(kind);
  change.at = in.time();
  core::Alert& alert = change.alert;
  alert.state = static_cast<core::AlertState>(state);
  alert.labels = in.labels();
  alert.annotations = in.labels();
  alert.value = in.real();
  alert.active_at = in.time();
  if ((flags & has_fired) != 0) alert.fired_at = in.time();
  if ((flags & has_resolved) != 0) alert.resolved_at = in.time();
  if ((flags & has_keep_firing) != 0) alert.keep_firing_since = in.time();
  alert.held = (flags & is_held) != 0;
  alert.valid_until = in.time();
  alert.rule = in.text();
  alert.group = in.text();
  alert.expression = in.text();
  if (!in.ended()) return std::nullopt;
  return change;
}

}  // namespace tocsin::state
