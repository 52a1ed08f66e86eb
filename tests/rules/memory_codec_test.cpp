#include "src/memory_codec.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace tocsin::rules {
namespace {

using core::from_millis;

AlertMemory full() {
  AlertMemory memory;
  memory.state = core::AlertState::firing;
  memory.value = -1.5;
  memory.active_at = from_millis(1'700'000'000'123);
  memory.fired_at = from_millis(1'700'000'060'000);
  memory.keep_firing_since = from_millis(1'700'000'090'000);
  memory.told_at = from_millis(1'700'000'100'000);
  memory.annotations = core::Labels{{"summary", std::string("a\0b\xff", 4)}, {"x", std::string(300, 'y')}};
  memory.of = core::Labels{{"i", "1"}};
  return memory;
}

TEST(MemoryCodec, AlertsComeBack) {
  EXPECT_EQ(decode_alert(encode(full())), full());
  AlertMemory pending;
  pending.active_at = from_millis(-5);
  EXPECT_EQ(decode_alert(encode(pending)), pending);
  AlertMemory resolved = full();
  resolved.state = core::AlertState::inactive;
  resolved.resolved_at = from_millis(1'700'000'200'000);
  resolved.value = std::numeric_limits<double>::infinity();
  EXPECT_EQ(decode_alert(encode(resolved)), resolved);
  AlertMemory nan = full();
  nan.value = std::nan("");
  EXPECT_TRUE(std::isnan(decode_alert(encode(nan))->value));
}

TEST(MemoryCodec, OthersComeBack) {
  for (const bool on : {false, true}) {
    for (const auto& since : {std::optional<core::TimePoint>(), std::optional(from_millis(7))}) {
      const SeriesMemory memory{on, since, 0.25};
      EXPECT_EQ(decode_series(encode(memory)), memory);
    }
  }
  const NamesMemory names{{"i", "job"}, {{"i", "job"}, {}, {"db", "i", "job"}}};
  EXPECT_EQ(decode_names(encode(names)), names);
  EXPECT_EQ(decode_names(encode(NamesMemory{})), NamesMemory{});
  EXPECT_EQ(decode_time(encode(from_millis(42))), from_millis(42));
}

TEST(MemoryCodec, KeysComeBack) {
  const core::Labels labels{{"a", std::string("\0\1", 2)}, {"b", "c"}};
  const std::vector<MemoryKey> keys{
      {},
      {MemoryKey::Kind::alert, {0xfedcba9876543210, 0}, 0, 0, labels},
      {MemoryKey::Kind::alert, {0xfedcba9876543210, 300}, 0, 0, {}},
      {MemoryKey::Kind::unknown, {1, 0}, 0, 0, labels},
      {MemoryKey::Kind::names, {1, 0}, 77, 0, {}},
      {MemoryKey::Kind::series, {1, 2}, 77, 3, labels},
  };
  std::set<std::string> seen;
  for (const MemoryKey& key : keys) {
    const std::string bytes = encode("prefix", key);
    ASSERT_TRUE(bytes.starts_with("prefix"));
    EXPECT_EQ(decode_key(std::string_view(bytes).substr(6)), key);
    EXPECT_TRUE(seen.insert(bytes).second);
  }
}

TEST(MemoryCodec, EveryCutAndEveryAdditionIsRefused) {
  const auto check = [](const std::string& bytes, const auto& decode) {
    for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode(bytes.substr(0, size))) << size;
    EXPECT_FALSE(decode(bytes + "x"));
    std::string other = bytes;
    other[0] = 2;  // another version
    EXPECT_FALSE(decode(other));
  };
  check(encode(full()), decode_alert);
  check(encode(SeriesMemory{true, from_millis(1), 2}), decode_series);
  check(encode(NamesMemory{{"a"}, {{"a"}}}), decode_names);
  check(encode(from_millis(1)), decode_time);
  const std::string key = encode("", MemoryKey{MemoryKey::Kind::series, {1, 2}, 3, 4, core::Labels{{"a", "b"}}});
  check(key, decode_key);
}

TEST(MemoryCodec, WhatCannotBeIsRefused) {
  AlertMemory memory = full();
  memory.fired_at.reset();
  EXPECT_FALSE(decode_alert(encode(memory)));  // it fires, but never began to
  memory = full();
  memory.resolved_at = from_millis(1);
  EXPECT_FALSE(decode_alert(encode(memory)));  // it fires, and is resolved
  memory = full();
  memory.state = core::AlertState::inactive;
  EXPECT_FALSE(decode_alert(encode(memory)));
  EXPECT_FALSE(decode_time(encode(from_millis(std::numeric_limits<std::int64_t>::max()))));
  // A length that is longer than all there is.
  EXPECT_FALSE(decode_names(std::string("\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11)));
  EXPECT_FALSE(decode_names(std::string("\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12)));
}

TEST(MemoryCodec, ARuleIsItsKindNameAndLabels) {
  RuleSpec one;
  one.name = "A";
  one.labels = {{"severity", "page"}};
  RuleSpec other = one;
  other.expression = "up == 0";
  other.hold = std::chrono::seconds(5);
  other.annotations = {{"a", "b"}};
  EXPECT_EQ(rule_hash(one), rule_hash(other));
  other.labels[0].value = "warn";
  EXPECT_NE(rule_hash(one), rule_hash(other));
  other = one;
  other.kind = RuleSpec::Kind::threshold;
  EXPECT_NE(rule_hash(one), rule_hash(other));
  other = one;
  other.name = "B";
  EXPECT_NE(rule_hash(one), rule_hash(other));
  EXPECT_EQ(stable_hash("tocsin"), stable_hash("tocsin"));
}

}  // namespace
}  // namespace tocsin::rules
