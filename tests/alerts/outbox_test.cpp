// The outbox on a clock of the test's own.
#include "src/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::alerts {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

MessagePtr message(const std::string& name, const std::string& json = "") {
  auto made = std::make_shared<Message>();
  made->labels = core::Labels{{"alertname", name}};
  made->json = json.empty() ? name : json;
  return made;
}

std::vector<std::string> take(Outbox& outbox) {
  std::vector<std::string> all;
  for (const auto& one : outbox.begin()) all.push_back(one->json);
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
