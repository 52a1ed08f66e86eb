// What is owed as bytes: back as it was, and nothing else is taken for it.
#include "src/owed_codec.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tocsin::state {
namespace {

core::AlertChange full() {
  core::AlertChange change;
  change.kind = core::AlertChange::Kind::resolved;
  change.at = core::from_millis(1'700'000'000'123);
  core::Alert& alert = change.alert;
  alert.labels = core::Labels{{"alertname", "Down"}, {"path", std::string("a\0\xff", 3)}};
  alert.annotations = core::Labels{{"summary", "caf\xc3\xa9 is \"down\"\n"}};
  alert.state = core::AlertState::inactive;
  alert.value = -0.1;
  alert.active_at = core::from_millis(1'700'000'000'000);
  alert.fired_at = core::from_millis(-5);
  alert.resolved_at = core::from_millis(std::numeric_limits<std::int64_t>::max());
  alert.keep_firing_since = core::from_millis(std::numeric_limits<std::int64_t>::min());
  alert.held = true;
  alert.valid_until = core::from_millis(0);
  alert.rule = "Down";
  alert.group = "a.yml;g";
  alert.expression = "up == 0";
  return change;
}

void expect_same(const core::AlertChange& a, const core::AlertChange& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.at, b.at);
  EXPECT_EQ(a.alert.labels, b.alert.labels);
  EXPECT_EQ(a.alert.annotations, b.alert.annotations);
  EXPECT_EQ(a.alert.state, b.alert.state);
  EXPECT_TRUE(a.alert.value == b.alert.value || (std::isnan(a.alert.value) && std::isnan(b.alert.value)));
  EXPECT_EQ(a.alert.active_at, b.alert.active_at);
  EXPECT_EQ(a.alert.fired_at, b.alert.fired_at);
  EXPECT_EQ(a.alert.resolved_at, b.alert.resolved_at);
  EXPECT_EQ(a.alert.keep_firing_since, b.alert.keep_firing_since);
  EXPECT_EQ(a.alert.held, b.alert.held);
  EXPECT_EQ(a.alert.valid_until, b.alert.valid_until);
  EXPECT_EQ(a.alert.rule, b.alert.rule);
  EXPECT_EQ(a.alert.group, b.alert.group);
  EXPECT_EQ(a.alert.expression, b.alert.expression);
}

TEST(OwedCodec, EveryFieldComesBack) {
  core::AlertChange bare;
  core::AlertChange odd = full();
  odd.alert.value = std::numeric_limits<double>::quiet_NaN();
  odd.alert.resolved_at.reset();
  odd.kind = core::AlertChange::Kind::firing;
  odd.alert.state = core::AlertState::firing;
  for (const core::AlertChange& change : {bare, full(), odd}) {
    const auto back = decode_change(encode(change));
    ASSERT_TRUE(back);
    expect_same(*back, change);
  }
}

TEST(OwedCodec, APartOfItIsNothing) {
  const std::string bytes = encode(full());
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_change(bytes.substr(0, size))) << size;
  EXPECT_FALSE(decode_change(bytes + "x"));
}

TEST(OwedCodec, OtherBytesAreRefused) {
  std::string bytes = encode(full());
  for (const auto& [place, value] :
       {std::pair(0, '\2'), std::pair(1, '\5'), std::pair(2, '\3'), std::pair(3, '\x10')}) {
    std::string other = bytes;
    other[static_cast<std::size_t>(place)] = value;
    EXPECT_FALSE(decode_change(other)) << place;
  }
  EXPECT_FALSE(decode_labels("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  EXPECT_FALSE(decode_labels(std::string_view("\1\1a\0", 4)));         // an empty value
  EXPECT_FALSE(decode_labels(std::string_view("\2\1a\1b\1a\1c", 9)));  // a name twice
}

TEST(OwedCodec, EqualLabelsHaveEqualBytes) {
  const core::Labels a{{"x", "1"}, {"alertname", "A"}};
  const core::Labels b{{"alertname", "A"}, {"x", "1"}};
  EXPECT_EQ(encode(a), encode(b));
  EXPECT_NE(encode(a), encode(core::Labels{{"alertname", "A"}, {"x", "2"}}));
  EXPECT_EQ(decode_labels(encode(a)), a);
  EXPECT_EQ(decode_labels(encode(core::Labels{})), core::Labels{});
}

}  // namespace
}  // namespace tocsin::state
