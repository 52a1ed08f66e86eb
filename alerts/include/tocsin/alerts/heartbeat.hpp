// A request every interval for as long as we are alive, so that somebody else notices when we are not.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tocsin/alerts/receiver.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/http.hpp"

namespace tocsin::alerts {

struct HeartbeatStatus {
  std::string url;  // without user info and query
  std::uint64_t sent = 0;
  std::uint64_t errors = 0;
  std::uint64_t withheld = 0;  // not sent, because we were not alive
  std::string last_error;
  std::optional<core::TimePoint> last_success;
};

class Heartbeat {
 public:
  using Clock = std::function<core::TimePoint()>;
  using Alive = std::function<bool()>;
  /// As with the notifier: the destination is the URL without its secrets.
  using Log = std::function<void(bool error, const std::string& destination, const std::string& text)>;
  /// The first beat goes at once; without options none does. `alive` is asked on the loop before each beat.
  Heartbeat(net::Loop& loop, net::Connector& connector, std::optional<HeartbeatOptions> options, Clock clock,
            Alive alive, Log log);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  /// On the loop. What is the same goes on as it is.
  void reconfigure(std::optional<HeartbeatOptions> options);
  /// Nothing without options. Any thread.
  [[nodiscard]] std::optional<HeartbeatStatus> status() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::alerts
