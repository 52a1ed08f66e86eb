// The heartbeat: as long as we are alive, on its interval, and no secret of it in any word.
#include "tocsin/alerts/heartbeat.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alerts/notifier_fixture.hpp"

namespace tocsin::alerts {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class HeartbeatTest : public NotifierTest {
 protected:
  Heartbeat& beat(const std::string& url, core::Duration every = 100ms) {
    HeartbeatOptions options;
    options.to.url = net::parse_url(url).value();
    options.every = every;
    return beat(options);
  }
  Heartbeat& beat(const HeartbeatOptions& options) {
    heartbeat_ = std::make_unique<Heartbeat>(
        loop_.loop(), connector_, options, wall, [this] { return alive_; },
        [this](bool error, const std::string& where, const std::string& text) {
          log_ += (error ? "error " : "info ") + where + " " + text + "\n";
        });
    return *heartbeat_;
  }
  HeartbeatStatus status() { return heartbeat_->status().value(); }
  void TearDown() override {
    heartbeat_.reset();
    run_until([] { return true; });
  }

  bool alive_ = true;
  std::unique_ptr<Heartbeat> heartbeat_;
};

TEST_F(HeartbeatTest, BeatsOnItsInterval) {
  ScriptedReceiver receiver([](const std::string&) { return reply(200); });
  const auto begun = std::chrono::steady_clock::now();
  beat(receiver.url() + "/ping?key=hunter2");
  ASSERT_TRUE(run_until([&] { return status().sent == 5; }));
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_GE(took, 380ms);
  EXPECT_LT(took, 3s);
  EXPECT_THAT(receiver.heads()[0], HasSubstr("GET /ping?key=hunter2 HTTP/1.1"));
  EXPECT_EQ(status().url, receiver.url() + "/...");
  EXPECT_TRUE(status().last_success);
  EXPECT_EQ(log_, "");
}

TEST_F(HeartbeatTest, IsWithheldWhenWeAreNotAlive) {
  ScriptedReceiver receiver([](const std::string&) { return reply(200); });
  alive_ = false;
  beat(receiver.url());
  ASSERT_TRUE(run_until([&] { return status().withheld == 3; }));
  EXPECT_TRUE(receiver.heads().empty());
  alive_ = true;
  ASSERT_TRUE(run_until([&] { return status().sent == 1; }));
}

TEST_F(HeartbeatTest, ErrorsAreCountedAndToldOnce) {
  std::atomic<int> answer = 404;
  ScriptedReceiver receiver([&](const std::string&) { return reply(answer, "no hunter2 here"); });
  HeartbeatOptions options;
  options.to.url = net::parse_url(receiver.url() + "/hunter-path?hunter2").value();
  options.to.headers.emplace_back("X-Key", core::SecretSource{core::Secret("value"), {}});
  options.method = "POST";
  options.every = 50ms;
  beat(options);
  ASSERT_TRUE(run_until([&] { return status().errors >= 3; }));
  answer = 204;
  ASSERT_TRUE(run_until([&] { return status().sent >= 1; }));
  EXPECT_EQ(std::ranges::count(log_, '\n'), 2) << log_;
  EXPECT_THAT(log_, HasSubstr("the heartbeat is not heard: status 404"));
  EXPECT_THAT(log_, HasSubstr("the heartbeat is heard again"));
  EXPECT_THAT(log_, Not(HasSubstr("hunter")));
  EXPECT_THAT(receiver.heads()[0], HasSubstr("POST /hunter-path?hunter2 HTTP/1.1"));
  EXPECT_THAT(receiver.heads()[0], HasSubstr("X-Key: value\r\n"));
}

TEST_F(HeartbeatTest, ComesAndGoesWithTheConfiguration) {
  ScriptedReceiver one([](const std::string&) { return reply(200); });
  auto& heartbeat = beat(one.url(), 1h);
  ASSERT_TRUE(run_until([&] { return status().sent == 1; }));
  HeartbeatOptions other;
  other.to.url = net::parse_url(one.url() + "/other").value();
  heartbeat.reconfigure(other);
  ASSERT_TRUE(run_until([&] { return one.heads().size() == 2; })) << "another one is told at once";
  heartbeat.reconfigure(std::nullopt);
  EXPECT_FALSE(heartbeat.status());
}

}  // namespace
}  // namespace tocsin::alerts
