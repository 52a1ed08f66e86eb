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
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "message.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::alerts {

class Outbox {
 public:
  struct Limits {
    std::size_t capacity = 100'000;  // alerts that wait; past it the oldest are dropped, repeated ones before others
    std::size_t batch = 256;
    std::chrono::milliseconds first_pause{250};
    // With an attempt of at most as long, a receiver that returns is noticed within 5 s.
    std::chrono::milliseconds longest_pause{1'000};
    std::chrono::milliseconds longest_asked{5'000};  // of pauses that the receiver asks for
  };
  struct Entry {
    MessagePtr message;
    std::uint64_t number = 0;  // the greatest that is settled when this state arrives
    bool owed = false;         // the receiver has not been told this state, nor a newer one
    core::TimePoint since;     // when what is owed came to be
  };
  /// An entry that is here no more, and why.
  struct Left {
    enum class Why { delivered, refused, dropped, superseded };
    Why why = Why::delivered;
    Entry entry;
  };
  explicit Outbox(Limits limits) : limits_(limits) {}

  void enqueue(const MessagePtr& message);
  /// When the next batch may leave; nothing while none waits or one is on its way. A time that is long past means at
  /// once.
  [[nodiscard]] std::optional<core::Deadline> due() const;
  /// The next batch; it is on its way until one of the three below is called.
  [[nodiscard]] std::span<const Entry> begin();
  void delivered();
  /// It may work later. `chance` in [0, 1) spreads the retries of many; `asked` is the pause that the receiver wants.
  void failed(core::Deadline now, double chance, std::optional<std::chrono::milliseconds> asked = std::nullopt);
  /// The receiver does not want it. With `divisible` (the content is at fault) a batch of several is tried again in
  /// halves; true if alerts were dropped for it.
  bool rejected(bool divisible);
  /// Forgets the pause: the next batch may leave at once.
  void hurry() { not_before_ = {}; }
  void set_limits(std::size_t capacity, std::size_t batch);
  /// What has left since the last call.
  [[nodiscard]] std::vector<Left> take_left();

  /// Alerts that wait or are on their way.
  [[nodiscard]] std::size_t queued() const { return waiting_.size() + flight_.size(); }
  [[nodiscard]] std::size_t owed() const;
  [[nodiscard]] std::optional<core::TimePoint> oldest_owed() const;
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  using Place = std::int64_t;
  struct ByLabels {
    std::size_t operator()(const MessagePtr& message) const { return static_cast<std::size_t>(message->hash); }
    bool operator()(const MessagePtr& a, const MessagePtr& b) const { return a->labels == b->labels; }
  };

  void supersede(Place place, Entry newer);
  void put(Place place, Entry entry);
  [[nodiscard]] Entry take(std::map<Place, Entry>::iterator at);
  void bound();
  void back_to_front();
  void leave(Left::Why why, Entry entry);
  [[nodiscard]] bool is_stale(const Message& message) const;
  void know(const Entry& entry);

  Limits limits_;
  std::map<Place, Entry> waiting_;
  Place next_ = 0;
  std::unordered_map<MessagePtr, Place, ByLabels, ByLabels> places_;  // of the alerts that wait
  std::set<Place> repeated_;                                          // the places of those that are not owed
  std::vector<Entry> flight_;
  Place suspects_before_ = 0;  // what has a smaller place goes in batches of `half_`
  std::size_t half_ = 0;
  core::Deadline not_before_{};
  std::chrono::milliseconds pause_{0};
  std::uint64_t dropped_ = 0;
  std::vector<Left> left_;
  // The numbers that were delivered last: what was promised before them may come late, and is not told any more.
  std::unordered_map<std::uint64_t, std::uint64_t> known_;
  std::deque<std::uint64_t> known_order_;
};

}  // namespace tocsin::alerts
