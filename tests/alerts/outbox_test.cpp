// The outbox on a clock of the test's own.
#include "src/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace tocsin::alerts {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

using Kind = core::AlertChange::Kind;
using Why = Outbox::Left::Why;

MessagePtr message(const std::string& name, const std::string& json = "", std::uint64_t number = 0,
                   Kind kind = Kind::firing) {
  auto made = std::make_shared<Message>();
  made->labels = core::Labels{{"alertname", name}};
  made->hash = made->labels.hash();
  made->own = made->labels;
  made->json = json.empty() ? name : json;
  made->number = number;
  made->kind = kind;
  made->at = core::from_millis(static_cast<std::int64_t>(number) * 1000);
  return made;
}

/// What left, as "name number why".
std::vector<std::string> left(Outbox& outbox) {
  std::vector<std::string> all;
  for (const auto& one : outbox.take_left()) {
    const char* const why[] = {"delivered", "refused", "dropped", "superseded"};
    all.push_back(one.entry.message->json + " " + std::to_string(one.entry.number) + " " +
                  why[static_cast<std::size_t>(one.why)]);
  }
  return all;
}

std::vector<std::string> take(Outbox& outbox) {
  std::vector<std::string> all;
  for (const auto& one : outbox.begin()) all.push_back(one.message->json);
  return all;
}

Outbox::Limits limits(std::size_t capacity, std::size_t batch) {
  Outbox::Limits made;
  made.capacity = capacity;
  made.batch = batch;
  made.first_pause = 100ms;
  made.longest_pause = 400ms;
  return made;
}

const core::Deadline start{};  // the clock's own zero

TEST(Outbox, SendsInOrderOneBatchAtATime) {
  Outbox outbox(limits(10, 2));
  EXPECT_FALSE(outbox.due());
  for (const char* name : {"a", "b", "c"}) outbox.enqueue(message(name));
  EXPECT_EQ(outbox.due(), start);
  EXPECT_THAT(take(outbox), ElementsAre("a", "b"));
  EXPECT_FALSE(outbox.due());
  EXPECT_TRUE(outbox.begin().empty());
  EXPECT_EQ(outbox.queued(), 3U);
  outbox.delivered();
  EXPECT_THAT(take(outbox), ElementsAre("c"));
  outbox.delivered();
  EXPECT_EQ(outbox.queued(), 0U);
  EXPECT_FALSE(outbox.due());
}

TEST(Outbox, OnlyTheNewestStateWaits) {
  Outbox outbox(limits(10, 10));
  outbox.enqueue(message("a", "a1"));
  outbox.enqueue(message("b"));
  outbox.enqueue(message("a", "a2"));
  EXPECT_EQ(outbox.queued(), 2U);
  EXPECT_THAT(take(outbox), ElementsAre("a2", "b"));
  outbox.enqueue(message("a", "a3"));  // what is on its way stays as it is
  outbox.delivered();
  EXPECT_THAT(take(outbox), ElementsAre("a3"));
}

TEST(Outbox, AFailedBatchGoesBackToTheFront) {
  Outbox outbox(limits(10, 2));
  for (const char* name : {"a", "b", "c"}) outbox.enqueue(message(name));
  take(outbox);
  outbox.enqueue(message("a", "a2"));  // newer than what fails now
  outbox.failed(start, 0);
  EXPECT_THAT(take(outbox), ElementsAre("b", "c"));
  outbox.delivered();
  EXPECT_THAT(take(outbox), ElementsAre("a2"));
}

TEST(Outbox, PausesDoubleUpToABound) {
  Outbox outbox(limits(10, 10));
  outbox.enqueue(message("a"));
  auto now = start + 1h;
  for (const auto& [chance, pause] : {std::pair(0.0, 50ms), std::pair(0.0, 100ms), std::pair(0.5, 300ms),
                                      std::pair(0.0, 200ms), std::pair(0.0, 200ms)}) {
    take(outbox);
    outbox.failed(now, chance);
    EXPECT_EQ(outbox.due(), now + pause);
    now += 1h;
  }
  take(outbox);
  outbox.delivered();
  outbox.enqueue(message("a"));
  EXPECT_EQ(outbox.due(), start);
  take(outbox);
  outbox.failed(now, 0);
  EXPECT_EQ(outbox.due(), now + 50ms);  // from the beginning
  outbox.enqueue(message("b"));
  EXPECT_EQ(outbox.due(), now + 50ms);  // what comes anew waits for the same pause
  outbox.hurry();
  EXPECT_EQ(outbox.due(), start);
}

TEST(Outbox, DropsTheOldest) {
  Outbox outbox(limits(3, 2));
  for (const char* name : {"a", "b", "c", "d", "e"}) outbox.enqueue(message(name));
  EXPECT_EQ(outbox.dropped(), 2U);
  EXPECT_THAT(take(outbox), ElementsAre("c", "d"));
  outbox.enqueue(message("f"));
  outbox.enqueue(message("g"));
  outbox.failed(start, 0);  // five are owed, three fit
  EXPECT_EQ(outbox.dropped(), 4U);
  EXPECT_EQ(outbox.queued(), 3U);
  EXPECT_THAT(take(outbox), ElementsAre("e", "f"));
  outbox.delivered();
  outbox.enqueue(message("g", "g2"));  // numbers still fit places
  EXPECT_THAT(take(outbox), ElementsAre("g2"));
  outbox.delivered();
  for (const char* name : {"a", "b", "c"}) outbox.enqueue(message(name));
  outbox.set_limits(1, 2);
  EXPECT_THAT(take(outbox), ElementsAre("c"));
}

/// A receiver that objects to some alerts, and takes no batch with one of them.
std::size_t posts_until_empty(Outbox& outbox, const std::vector<std::string>& bad, std::vector<std::string>& taken) {
  std::size_t posts = 0;
  while (outbox.due() && posts < 10'000) {
    ++posts;
    const auto batch = take(outbox);
    const bool refused = std::ranges::any_of(batch, [&](const auto& one) { return std::ranges::count(bad, one) > 0; });
    if (refused) {
      static_cast<void>(outbox.rejected(true));
    } else {
      taken.insert(taken.end(), batch.begin(), batch.end());
      outbox.delivered();
    }
  }
  return posts;
}

TEST(Outbox, IsolatesWhatTheReceiverObjectsTo) {
  for (const std::vector<std::string>& bad :
       {std::vector<std::string>{"7"}, {"0"}, {"255"}, {"3", "200"}, {"256", "299"}}) {
    Outbox outbox(limits(1000, 256));
    for (int i = 0; i < 300; ++i) outbox.enqueue(message(std::to_string(i)));
    std::vector<std::string> taken;
    EXPECT_LT(posts_until_empty(outbox, bad, taken), 40U);
    EXPECT_EQ(taken.size(), 300 - bad.size());
    EXPECT_TRUE(std::ranges::is_sorted(taken, {}, [](const auto& text) { return std::stoi(text); }));
    EXPECT_EQ(outbox.dropped(), bad.size());
    EXPECT_EQ(outbox.queued(), 0U);
  }
}

TEST(Outbox, SaysWhatIsSettled) {
  Outbox outbox(limits(10, 2));
  outbox.enqueue(message("a", "a1", 1));
  outbox.enqueue(message("b", "b2", 2));
  outbox.enqueue(message("c", "c3", 3));
  take(outbox);
  outbox.delivered();
  EXPECT_THAT(left(outbox), ElementsAre("a1 1 delivered", "b2 2 delivered"));
  take(outbox);
  EXPECT_TRUE(outbox.rejected(true));
  EXPECT_THAT(left(outbox), ElementsAre("c3 3 refused"));
  EXPECT_TRUE(left(outbox).empty());
}

TEST(Outbox, ARepeatedStateSettlesWhatItCovers) {
  Outbox outbox(limits(10, 10));
  outbox.enqueue(message("a", "firing", 5));
  outbox.enqueue(message("a", "again", 0, Kind::repeated));
  EXPECT_EQ(outbox.owed(), 1U);
  EXPECT_THAT(take(outbox), ElementsAre("again"));
  outbox.enqueue(message("a", "once more", 0, Kind::repeated));
  outbox.failed(start, 0);  // what failed is superseded by what waits, which takes its number over
  EXPECT_EQ(outbox.owed(), 1U);
  EXPECT_EQ(outbox.oldest_owed(), core::from_millis(5000));
  EXPECT_THAT(take(outbox), ElementsAre("once more"));
  EXPECT_TRUE(left(outbox).empty());
  outbox.delivered();
  EXPECT_THAT(left(outbox), ElementsAre("once more 5 delivered"));
  outbox.enqueue(message("a", "again", 0, Kind::repeated));
  EXPECT_EQ(outbox.owed(), 0U);
  EXPECT_EQ(outbox.oldest_owed(), std::nullopt);
}

TEST(Outbox, AnOlderStateThatComesLateIsNotTold) {
  Outbox outbox(limits(10, 10));
  outbox.enqueue(message("a", "newer", 7));
  outbox.enqueue(message("a", "older", 6));
  EXPECT_THAT(left(outbox), ElementsAre("older 6 superseded"));
  EXPECT_THAT(take(outbox), ElementsAre("newer"));
  outbox.enqueue(message("a", "older", 6));
  outbox.delivered();
  outbox.enqueue(message("a", "older", 6));
  EXPECT_THAT(left(outbox), ElementsAre("older 6 superseded", "newer 7 delivered", "older 6 superseded"));
  EXPECT_EQ(outbox.queued(), 0U);
  outbox.enqueue(message("a", "newest", 8));
  EXPECT_THAT(take(outbox), ElementsAre("newest"));
}

// External labels may make one alert of two: to the ledger they are two.
TEST(Outbox, AnotherAlertOfTheSameLabelsIsSettledToo) {
  Outbox outbox(limits(10, 10));
  auto other = std::make_shared<Message>(*message("a", "other", 1));
  other->own = core::Labels{{"alertname", "other"}};
  outbox.enqueue(other);
  outbox.enqueue(message("a", "mine", 2));
  EXPECT_THAT(left(outbox), ElementsAre("other 1 superseded"));
  EXPECT_THAT(take(outbox), ElementsAre("mine"));
}

TEST(Outbox, DropsWhatIsRepeatedFirst) {
  Outbox outbox(limits(3, 10));
  outbox.enqueue(message("a", "a", 1));
  outbox.enqueue(message("b", "b", 0, Kind::repeated));
  outbox.enqueue(message("c", "c", 0, Kind::repeated));
  outbox.enqueue(message("d", "d", 4));
  outbox.enqueue(message("e", "e", 5));
  EXPECT_THAT(left(outbox), ElementsAre("b 0 dropped", "c 0 dropped"));
  outbox.enqueue(message("f", "f", 0, Kind::repeated));
  outbox.enqueue(message("g", "g", 7));
  EXPECT_THAT(left(outbox), ElementsAre("f 0 dropped", "a 1 dropped"));
  EXPECT_EQ(outbox.dropped(), 4U);
  EXPECT_EQ(outbox.owed(), 3U);
  EXPECT_THAT(take(outbox), ElementsAre("d", "e", "g"));
}

TEST(Outbox, APauseThatIsAskedForIsKept) {
  Outbox outbox(limits(10, 10));
  outbox.enqueue(message("a"));
  take(outbox);
  outbox.failed(start, 0, 3s);
  EXPECT_EQ(outbox.due(), start + 3s);
  take(outbox);
  outbox.failed(start, 0, 1h);
  EXPECT_EQ(outbox.due(), start + 5s);
  take(outbox);
  outbox.failed(start, 0, 1ms);
  EXPECT_EQ(outbox.due(), start + 200ms);
}

// An hour without the receiver: hundreds of alerts come and go, attempts fail, and what arrives is the newest state of
// each, soon after it is back, in the order in which things changed.
TEST(Outbox, AfterAnHourTheNewestStatesArriveInFiveSeconds) {
  Outbox::Limits own;
  own.batch = 64;
  Outbox outbox(own);
  auto now = start + 1h;
  const auto returns = now + 1h;
  std::map<std::string, std::uint64_t> newest;
  std::uint64_t number = 0;
  std::optional<core::Deadline> heard;
  while (now < returns + 5s && !(now >= returns && outbox.queued() == 0)) {
    if (now < returns) {
      const std::string name = std::to_string(number % 300);
      newest[name] = ++number;
      const Kind kind = number % 600 < 300 ? Kind::firing : Kind::resolved;
      outbox.enqueue(message(name, std::to_string(number), number, kind));
    }
    if (const auto due = outbox.due(); due && *due <= now) {
      const auto batch = take(outbox);
      if (now < returns) {
        outbox.failed(now, 0.99);
      } else {
        heard = heard.value_or(now);
        outbox.delivered();
      }
    }
    now += 500ms;
  }
  ASSERT_TRUE(heard);
  EXPECT_LT(*heard - returns, 3s);
  EXPECT_LT(now - returns, 5s + 500ms);
  std::map<std::string, std::uint64_t> arrived;
  for (const auto& one : outbox.take_left()) {
    EXPECT_EQ(one.why, Why::delivered);
    const auto [known, fresh] = arrived.emplace(one.entry.message->labels.get("alertname"), one.entry.number);
    EXPECT_TRUE(fresh) << known->first;
  }
  EXPECT_EQ(arrived, newest);
}

TEST(Outbox, DropsABatchThatIsRejectedAsSuch) {
  Outbox outbox(limits(10, 2));
  for (const char* name : {"a", "b", "c"}) outbox.enqueue(message(name));
  take(outbox);
  EXPECT_TRUE(outbox.rejected(false));
  EXPECT_EQ(outbox.dropped(), 2U);
  EXPECT_THAT(take(outbox), ElementsAre("c"));
}

}  // namespace
}  // namespace tocsin::alerts
