// What is owed to one Alertmanager. Pure: times and chance come in as arguments.
//
// Alerts leave in the order in which they came, in batches, one batch at a time. Of each alert only the newest state
// waits. A batch that failed goes back to the front and leaves again after a pause that doubles; of a batch that the
// receiver does not accept, the alerts that it objects to are found by halving, and dropped.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "message.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::alerts {

class Outbox {
 public:
  struct Limits {
    std::size_t capacity = 10'000;  // alerts that wait; past it the oldest are dropped
    std::size_t batch = 256;
    std::chrono::milliseconds first_pause{250};
    std::chrono::milliseconds longest_pause{15'000};
  };
  explicit Outbox(Limits limits) : limits_(limits) {}

  void enqueue(MessagePtr message);
  /// When the next batch may leave; nothing while none waits or one is on its way. A time that is long past means at
  /// once.
  [[nodiscard]] std::optional<core::Deadline> due() const;
  /// The next batch; it is on its way until one of the three below is called.
  [[nodiscard]] std::span<const MessagePtr> begin();
  void delivered();
  /// It may work later. `chance` in [0, 1) spreads the retries of many.
  void failed(core::Deadline now, double chance);
  /// The receiver does not want it. With `divisible` (the content is at fault) a batch of several is tried again in
  /// halves; true if alerts were dropped for it.
  bool rejected(bool divisible);
  /// Forgets the pause: the next batch may leave at once.
  void hurry() { not_before_ = {}; }
  void set_limits(std::size_t capacity, std::size_t batch);

  /// Alerts that wait or are on their way.
  [[nodiscard]] std::size_t queued() const { return waiting_.size() + flight_.size(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  void drop_oldest();
  void back_to_front();

  Limits limits_;
  std::deque<MessagePtr> waiting_;
  std::int64_t first_ = 0;                                                    // the number of waiting_.front()
  std::unordered_map<core::Labels, std::int64_t, core::LabelsHash> numbers_;  // of the alerts that wait
  std::vector<MessagePtr> flight_;
  std::size_t suspects_ = 0;  // so many at the front go in batches of `half_`
  std::size_t half_ = 0;
  core::Deadline not_before_{};
  std::chrono::milliseconds pause_{0};
  std::uint64_t dropped_ = 0;
};

}  // namespace tocsin::alerts
