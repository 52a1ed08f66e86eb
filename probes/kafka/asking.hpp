// What every question of a round needs: the client, and the time there is. For the thread for what blocks.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

#include "kafka/client.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::probes::kafka {

class Asking {
 public:
  Asking(Client& client, core::Deadline deadline) : client_(client), deadline_(deadline) {}

  [[nodiscard]] rd_kafka_t* client() const { return client_.get(); }
  [[nodiscard]] bool over() const { return client_.given_up() || left() <= std::chrono::milliseconds(0); }
  [[nodiscard]] std::chrono::milliseconds left() const {
    return std::chrono::floor<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
  }
  /// A part of what is left, for librdkafka: at least one millisecond.
  [[nodiscard]] int part(double of_it) const {
    return std::max(1, static_cast<int>(static_cast<double>(left().count()) * of_it));
  }
  /// The same round with less time.
  [[nodiscard]] Asking within(double part_of_it) const {
    return {client_, std::chrono::steady_clock::now() + std::chrono::milliseconds(part(part_of_it))};
  }
  /// The next answer on this queue; null when the time is over or nobody wants it any more.
  [[nodiscard]] Owned<rd_kafka_event_t> next_event(rd_kafka_queue_t* queue) const {
    while (!over()) {
      // In slices, so that who gives up does not wait for long.
      const int slice = static_cast<int>(std::min<std::chrono::milliseconds::rep>(left().count(), longest_slice));
      if (Owned<rd_kafka_event_t> event{rd_kafka_queue_poll(queue, std::max(slice, 1))}) return event;
    }
    return {};
  }

  static constexpr int longest_slice = 100;  // milliseconds

 private:
  Client& client_;
  core::Deadline deadline_;
};

/// What is said of a question that nobody waited for to the end.
inline constexpr rd_kafka_resp_err_t no_answer = RD_KAFKA_RESP_ERR__TIMED_OUT;

}  // namespace tocsin::probes::kafka
