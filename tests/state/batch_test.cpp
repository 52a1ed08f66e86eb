// What waits for the disk: only the newest of each key, whatever comes in whatever order.
#include "src/batch.hpp"

#include <gtest/gtest.h>

#include "src/owed_codec.hpp"

namespace tocsin::state {
namespace {

core::AlertChange change(const std::string& name, std::uint64_t number) {
  core::AlertChange made;
  made.alert.labels = core::Labels{{"alertname", name}};
  made.number = number;
  return made;
}

std::string key(const std::string& name) { return encode(core::Labels{{"alertname", name}}); }

PromiseWrite promise(Order order, std::vector<core::Memory> memories, std::vector<core::AlertChange> owed = {}) {
  PromiseWrite write;
  write.promise.memories = std::move(memories);
  write.promise.owed = std::move(owed);
  write.promise.receivers = {"one", "two"};
  write.order = order;
  return write;
}

TEST(Lazy, TheNewestValueOfAKeyStands) {
  Lazy lazy;
  lazy.remember({"a", "new"}, 5);
  lazy.take_in(promise(3, {{"a", "old"}, {"b", "only"}}));
  lazy.remember({"c", "gone"}, 6);
  lazy.remember({"c", std::nullopt}, 7);
  EXPECT_EQ(lazy.size(), 3U);
  EXPECT_EQ(lazy.memories().at("a").value, "new");
  EXPECT_EQ(lazy.memories().at("b").value, "only");
  EXPECT_EQ(lazy.memories().at("c").value, std::nullopt);
  lazy.supersede(promise(6, {{"a", "newest"}, {"b", "newer"}, {"c", "older"}}));
  EXPECT_EQ(lazy.size(), 1U);
  EXPECT_TRUE(lazy.memories().contains("c"));
}

TEST(Lazy, WhatIsSettledIsNotOwed) {
  Lazy lazy;
  lazy.take_in(promise(1, {}, {change("a", 1), change("b", 2)}));
  lazy.take_in(promise(2, {}, {change("a", 3)}));
  lazy.settle("one", key("a"), 1);
  EXPECT_EQ(lazy.debts().at("one").at(key("a")).change->number, 3U);
  EXPECT_EQ(lazy.debts().at("one").at(key("a")).settled, 1U);
  lazy.settle("one", key("a"), 3);
  EXPECT_FALSE(lazy.debts().at("one").at(key("a")).change);
  EXPECT_TRUE(lazy.debts().at("two").at(key("a")).change);
  lazy.take_in(promise(3, {}, {change("a", 2)}));  // late: the newer one is settled
  EXPECT_FALSE(lazy.debts().at("one").at(key("a")).change);
}

TEST(Lazy, ForgetsReceiversThatAreGone) {
  Lazy lazy;
  lazy.take_in(promise(1, {}, {change("a", 1)}));
  lazy.keep_receivers({"two", "three"});
  EXPECT_FALSE(lazy.debts().contains("one"));
  EXPECT_EQ(lazy.size(), 1U);
  lazy.take_in(promise(1, {}, {change("b", 2)}));
  EXPECT_FALSE(lazy.debts().contains("one"));
  EXPECT_EQ(lazy.size(), 2U);
}

TEST(Lazy, LeavesInPartsAndComesBackOlder) {
  Lazy lazy;
  for (int i = 0; i < 10; ++i) lazy.remember({std::to_string(i), "1"}, 1);
  lazy.take_in(promise(1, {}, {change("a", 1)}));
  core::HistoryRecord first;
  first.event = "first";
  lazy.note(first);
  Lazy part = lazy.take_out(4);
  EXPECT_EQ(part.size(), 4U);
  EXPECT_EQ(lazy.size(), 9U);
  const std::string taken = part.memories().begin()->first;
  lazy.remember({taken, "2"}, 2);
  lazy.take_back(std::move(part));
  EXPECT_EQ(lazy.size(), 13U);
  EXPECT_EQ(lazy.memories().at(taken).value, "2");
  Lazy all = lazy.take_out(1000);
  EXPECT_TRUE(lazy.empty());
  core::HistoryRecord second;
  second.event = "second";
  lazy.note(second);
  lazy.take_back(std::move(all));
  ASSERT_EQ(lazy.history().size(), 2U);
  EXPECT_EQ(lazy.history().front().event, "first");
}

TEST(Lazy, IsBoundedAndCountsWhatItLoses) {
  Lazy::Limits limits;
  limits.memories = 2;
  limits.debts = 3;
  limits.history = 2;
  Lazy lazy(limits);
  for (int i = 0; i < 5; ++i) lazy.remember({std::to_string(i), "v"}, 1);
  lazy.remember({"0", "newer"}, 2);
  EXPECT_EQ(lazy.memories().size(), 2U);
  EXPECT_EQ(lazy.memories().at("0").value, "newer");
  EXPECT_EQ(lazy.dropped(), 3U);
  lazy.take_in(promise(1, {}, {change("a", 1), change("b", 2)}));  // two receivers: four debts
  EXPECT_EQ(lazy.dropped(), 4U);
  for (int i = 0; i < 5; ++i) lazy.note({});
  EXPECT_EQ(lazy.history().size(), 2U);
  EXPECT_EQ(lazy.dropped(), 7U);
}

}  // namespace
}  // namespace tocsin::state
