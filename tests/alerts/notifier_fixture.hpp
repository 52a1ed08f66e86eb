// A notifier in a test: real Alertmanagers, receivers that answer by a script, and a loop of the test's own.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "support/child.hpp"
#include "support/fake_peer.hpp"
#include "support/free_port.hpp"
#include "support/run_task.hpp"
#include "tocsin/alerts/notifier.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::alerts {

inline core::TimePoint wall() { return std::chrono::floor<core::Duration>(std::chrono::system_clock::now()); }

inline const char* const quiet_alertmanager = R"(
route: {receiver: nobody, group_wait: 1h}
receivers: [{name: nobody}]
inhibit_rules:
  - {source_matchers: [alertname="Source"], target_matchers: [severity="warning"], equal: [job]}
)";

class Alertmanager {
 public:
  explicit Alertmanager(std::string config = quiet_alertmanager, std::uint16_t port = test::free_port())
      : config_(std::move(config)), port_(port) {
    start();
  }
  void start() {
    const auto config = dir_.write("alertmanager.yml", config_);
    child_ = std::make_unique<test::Child>(std::vector<std::string>{
        "prometheus-alertmanager", "--config.file=" + config, "--storage.path=" + (dir_ / "data"),
        "--cluster.listen-address=", "--web.listen-address=127.0.0.1:" + std::to_string(port_)});
    child_->wait_for_port(port_);
  }
  void stop() { child_->kill(); }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  test::TempDir dir_;
  std::string config_;
  std::uint16_t port_;
  std::unique_ptr<test::Child> child_;
};

inline core::AlertChange change(const std::string& name, core::AlertChange::Kind kind = core::AlertChange::Kind::firing,
                                std::uint64_t number = 0) {
  using std::chrono::minutes;
  core::AlertChange made;
  made.number = number;
  made.kind = kind;
  made.at = wall();
  made.alert.labels = core::Labels{{"alertname", name}, {"job", "cache"}, {"severity", "warning"}};
  made.alert.annotations = core::Labels{{"summary", "it \"broke\""}};
  made.alert.active_at = made.at - minutes{2};
  made.alert.fired_at = made.at - minutes{1};
  made.alert.valid_until = made.at + minutes{5};
  if (kind == core::AlertChange::Kind::resolved) made.alert.resolved_at = made.at - std::chrono::seconds{1};
  return made;
}

/// A notifier on a loop of its own thread's running, and what it logged.
class NotifierTest : public testing::Test {
 protected:
  Notifier& notify(const std::vector<std::string>& urls) {
    options_.alertmanagers.clear();
    for (const auto& url : urls) {
      AlertmanagerOptions one;
      one.url = net::parse_url(url).value();
      options_.alertmanagers.push_back(one);
    }
    return notify();
  }
  Notifier& notify() {
    notifier_ = std::make_unique<Notifier>(
        loop_.loop(), connector_, options_, wall,
        [this](bool error, const std::string& where, const std::string& text) {
          log_ += (error ? "error " : "info ") + where + " " + text + "\n";
        },
        ledger_, std::move(owed_));
    return *notifier_;
  }
  void TearDown() override {
    notifier_.reset();
    run_until([] { return true; });
  }

  /// Runs the loop until the condition holds.
  template <class Condition>
  bool run_until(Condition condition, std::chrono::milliseconds at_most = std::chrono::seconds{10}) {
    const auto end = std::chrono::steady_clock::now() + at_most;
    do {
      loop_.run(net::sleep_for(std::chrono::milliseconds{1}));
      if (condition()) return true;
    } while (std::chrono::steady_clock::now() < end);
    return false;
  }
  bool drain(std::chrono::milliseconds at_most = std::chrono::seconds{10}) {
    loop_.run(notifier_->drain(test::TestLoop::in(at_most)), at_most + std::chrono::seconds{5});
    // Not `status()`, which would take the latencies.
    return true;
  }
  std::string call(const std::string& method, const std::string& url, const std::string& body = "") {
    const auto parsed = net::parse_url(url).value();
    net::HttpRequest request;
    request.method = method;
    request.target = parsed.request_target();
    request.body = body;
    request.headers.emplace_back("Content-Type", "application/json");
    return loop_
        .run(net::fetch(connector_, parsed, std::nullopt, request, {}, test::TestLoop::in(std::chrono::seconds{10})))
        .value()
        .body;
  }
  boost::json::array alerts(const Alertmanager& am) {
    return boost::json::parse(call("GET", am.url() + "/api/v2/alerts")).as_array();
  }
  core::Suppression suppression(const core::Labels& labels,
                                std::chrono::milliseconds at_most = std::chrono::seconds{5}) {
    return loop_.run(notifier_->suppression(labels, test::TestLoop::in(at_most)));
  }
  DestinationStatus first() { return notifier_->status().at(0); }

  net::BlockingPool pool_{1};
  net::Connector connector_{pool_};
  test::TestLoop loop_;
  NotifierOptions options_;
  state::Ledger* ledger_ = nullptr;  // for the next `notify`, as what is owed
  std::vector<state::Owed> owed_;
  std::unique_ptr<Notifier> notifier_;
  std::string log_;
};

/// A receiver that answers by a script, keeps its connections, and remembers what it was sent.
class ScriptedReceiver {
 public:
  using Answer = std::function<std::string(const std::string& body)>;
  explicit ScriptedReceiver(Answer answer)
      : peer_([this, answer = std::move(answer)](test::FakeConnection& connection) {
          for (auto head = connection.read_until("\r\n\r\n"); !head.empty(); head = connection.read_until("\r\n\r\n")) {
            const auto at = head.find("Content-Length: ");
            const auto body = at == std::string::npos ? "" : connection.read(std::stoul(head.substr(at + 16)));
            {
              const std::lock_guard lock(mutex_);
              bodies_.push_back(body);
              heads_.push_back(head);
            }
            connection.send(answer(body));
          }
        }) {}
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(peer_.port()); }
  [[nodiscard]] std::vector<std::string> bodies() const {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }
  [[nodiscard]] std::vector<std::string> heads() const {
    const std::lock_guard lock(mutex_);
    return heads_;
  }
  [[nodiscard]] int connections() const { return peer_.connections(); }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> bodies_, heads_;
  test::FakePeer peer_;
};

inline std::string reply(int status, const std::string& body = "", const std::string& headers = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

}  // namespace tocsin::alerts
