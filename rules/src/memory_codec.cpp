#include "memory_codec.hpp"

#include <bit>

namespace tocsin::rules {
namespace {

/// The first byte of every value. What another version wrote is not read.
constexpr char version = 1;

// Times far beyond any clock are broken values, and would overflow when durations are added.
constexpr std::int64_t furthest = 253'402'300'800'000;  // the year 10000

class Writer {
 public:
  explicit Writer(std::string start = {}) : out_(std::move(start)) {}
  Writer& byte(char c) {
    out_ += c;
    return *this;
  }
  Writer& number(std::uint64_t n) {  // seven bits a byte, the lowest first
    while (n >= 0x80) {
      out_ += static_cast<char>(static_cast<unsigned char>(n | 0x80));
      n >>= 7;
    }
    return byte(static_cast<char>(n));
  }
  Writer& fixed(std::uint64_t n) {
    for (int i = 0; i < 8; ++i) out_ += static_cast<char>(static_cast<unsigned char>(n >> (8 * i)));
    return *this;
  }
  Writer& real(double value) { return fixed(std::bit_cast<std::uint64_t>(value)); }
  Writer& time(core::TimePoint at) { return fixed(static_cast<std::uint64_t>(core::to_millis(at))); }
  Writer& time(const std::optional<core::TimePoint>& at) {
    byte(at ? 1 : 0);
    return at ? time(*at) : *this;
  }
  Writer& text(std::string_view s) {
    number(s.size());
    out_ += s;
    return *this;
  }
  Writer& texts(const std::vector<std::string>& all) {
    number(all.size());
    for (const std::string& one : all) text(one);
    return *this;
  }
  Writer& labels(const core::Labels& all) {
    number(all.size());
    for (const core::Label& label : all) text(label.name).text(label.value);
    return *this;
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// After the first byte that is missing or makes no sense everything reads as nothing, and `good` is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  char byte() {
    if (rest_.empty()) return fail();
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  std::uint64_t number() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto b = static_cast<unsigned char>(byte());
      out |= static_cast<std::uint64_t>(b & 0x7fU) << shift;
      if (b < 0x80) return good_ ? out : 0;
    }
    fail();
    return 0;
  }
  std::uint64_t fixed() {
    if (rest_.size() < 8) return static_cast<std::uint64_t>(fail());
    std::uint64_t out = 0;
    for (unsigned i = 0; i < 8; ++i) out |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
    rest_.remove_prefix(8);
    return out;
  }
  double real() { return std::bit_cast<double>(fixed()); }
  core::TimePoint time() {
    const auto millis = static_cast<std::int64_t>(fixed());
    if (millis < -furthest || millis > furthest) fail();
    return core::from_millis(good_ ? millis : 0);
  }
  std::optional<core::TimePoint> maybe_time() {
    const bool there = flag();
    return there ? std::optional(time()) : std::nullopt;
  }
  bool flag() {
    const char c = byte();
    if (c != 0 && c != 1) fail();
    return c == 1;
  }
  std::string text() {
    const std::uint64_t size = number();
    if (size > rest_.size()) {
      fail();
      return {};
    }
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return out;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (std::uint64_t n = count(1); n > 0 && good_; --n) out.push_back(text());
    return out;
  }
  core::Labels labels() {
    std::vector<core::Label> out;
    std::uint64_t n = count(2);
    out.reserve(n);
    for (; n > 0 && good_; --n) {
      std::string name = text();
      out.push_back({std::move(name), text()});
    }
    return core::Labels(std::move(out));
  }
  /// How many things of at least so many bytes follow.
  std::uint64_t count(std::uint64_t least) {
    const std::uint64_t n = number();
    if (n <= rest_.size() / least) return n;
    fail();
    return 0;
  }
  /// That everything was there, and nothing more.
  [[nodiscard]] bool finished() const { return good_ && rest_.empty(); }

 private:
  char fail() {
    good_ = false;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool good_ = true;
};

template <class T>
std::optional<T> finish(const Reader& reader, T value) {
  return reader.finished() ? std::optional<T>(std::move(value)) : std::nullopt;
}

}  // namespace

std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

std::uint64_t rule_hash(const RuleSpec& spec) {
  Writer text;
  text.number(static_cast<std::uint64_t>(spec.kind)).text(spec.name).number(spec.labels.size());
  for (const core::Label& label : spec.labels) text.text(label.name).text(label.value);
  return stable_hash(text.take());
}

std::string encode(std::string_view prefix, const MemoryKey& key) {
  std::string start;
  start.reserve(prefix.size() + 160);
  start += prefix;
  Writer out(std::move(start));
  out.byte(static_cast<char>(key.kind)).fixed(key.rule.hash).number(key.rule.twin);
  if (key.kind == MemoryKey::Kind::names || key.kind == MemoryKey::Kind::series) out.fixed(key.wording);
  if (key.kind == MemoryKey::Kind::series) out.number(key.line);
  return out.labels(key.labels).take();
}

std::optional<MemoryKey> decode_key(std::string_view bytes) {
  using Kind = MemoryKey::Kind;
  Reader in(bytes);
  MemoryKey key;
  key.kind = static_cast<Kind>(in.byte());
  switch (key.kind) {
    case Kind::group:
    case Kind::alert:
    case Kind::unknown:
    case Kind::names:
    case Kind::series:
      break;
    default:
      return std::nullopt;
  }
  key.rule.hash = in.fixed();
  key.rule.twin = static_cast<std::uint32_t>(in.number());
  if (key.kind == Kind::names || key.kind == Kind::series) key.wording = in.fixed();
  if (key.kind == Kind::series) key.line = static_cast<std::uint32_t>(in.number());
  key.labels = in.labels();
  return finish(in, std::move(key));
}

std::string encode(const AlertMemory& memory) {
  Writer out;
  out.byte(version).byte(static_cast<char>(memory.state)).real(memory.value).time(memory.active_at);
  out.time(memory.fired_at).time(memory.resolved_at).time(memory.keep_firing_since).time(memory.told_at);
  return out.labels(memory.annotations).labels(memory.of).take();
}

std::optional<AlertMemory> decode_alert(std::string_view bytes) {
  Reader in(bytes);
  if (in.byte() != version) return std::nullopt;
  AlertMemory memory;
  const char state = in.byte();
  if (state < 0 || state > static_cast<char>(core::AlertState::firing)) return std::nullopt;
  memory.state = static_cast<core::AlertState>(state);
  memory.value = in.real();
  memory.active_at = in.time();
  memory.fired_at = in.maybe_time();
  memory.resolved_at = in.maybe_time();
  memory.keep_firing_since = in.maybe_time();
  memory.told_at = in.maybe_time();
  memory.annotations = in.labels();
  memory.of = in.labels();
  // What no alert can be is not believed: it would be told with times that are not there.
  const bool fired = memory.state == core::AlertState::pending || memory.fired_at;
  const bool ended = (memory.state == core::AlertState::inactive) == memory.resolved_at.has_value();
  if (!fired || !ended) return std::nullopt;
  return finish(in, std::move(memory));
}

std::string encode(const SeriesMemory& memory) {
  return Writer().byte(version).byte(memory.on ? 1 : 0).time(memory.missing_since).real(memory.value).take();
}

std::optional<SeriesMemory> decode_series(std::string_view bytes) {
  Reader in(bytes);
  if (in.byte() != version) return std::nullopt;
  SeriesMemory memory;
  memory.on = in.flag();
  memory.missing_since = in.maybe_time();
  memory.value = in.real();
  return finish(in, memory);
}

std::string encode(const NamesMemory& memory) {
  Writer out;
  out.byte(version).texts(memory.common).number(memory.lines.size());
  for (const auto& names : memory.lines) out.texts(names);
  return out.take();
}

std::optional<NamesMemory> decode_names(std::string_view bytes) {
  Reader in(bytes);
  if (in.byte() != version) return std::nullopt;
  NamesMemory memory;
  memory.common = in.texts();
  for (std::uint64_t n = in.count(1); n > 0; --n) memory.lines.push_back(in.texts());
  return finish(in, std::move(memory));
}

std::string encode(core::TimePoint last_evaluation) { return Writer().byte(version).time(last_evaluation).take(); }

std::optional<core::TimePoint> decode_time(std::string_view bytes) {
  Reader in(bytes);
  if (in.byte() != version) return std::nullopt;
  const core::TimePoint at = in.time();
  return finish(in, at);
}

}  // namespace tocsin::rules
