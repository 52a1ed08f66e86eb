// When targets are probed, and what becomes of an answer: pure decisions, times are arguments.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tocsin/core/time.hpp"

namespace tocsin::daemon {

/// Probes start on the ticks of a wheel, so that many wake the processor once.
inline constexpr std::chrono::milliseconds wheel_tick{100};
/// Intervals of whole slots begin on these alone: what is done together finds the caches warm (docs/decisions/0019).
inline constexpr std::chrono::milliseconds wheel_slot{1000};

/// Where in its interval the n-th target begins: the golden ratio spreads any number of targets evenly and moves none
/// when more come.
[[nodiscard]] std::chrono::milliseconds wheel_offset(std::uint64_t n, core::Duration interval);

/// Which targets are due. Ticks count from the wheel's start.
class Wheel {
 public:
  using Tick = std::int64_t;
  explicit Wheel(core::Deadline start) : start_(start) {}

  /// The target's first probe comes at the first tick of its offset, or of the slot that this is in, not before `now`.
  void add(std::uint32_t target, std::uint64_t n, core::Duration interval, core::Deadline now);
  /// The targets whose tick has come, each put back for its next interval; intervals that were slept through are
  /// skipped, not caught up.
  [[nodiscard]] std::vector<std::uint32_t> due(core::Deadline now);
  /// Forgets a target when it next comes up.
  void remove(std::uint32_t target);
  /// When `due` should be asked next.
  [[nodiscard]] core::Deadline next(core::Deadline now) const;
  [[nodiscard]] std::size_t size() const { return queue_.size(); }

 private:
  struct Entry {
    Tick tick = 0;
    Tick every = 1;
    std::uint32_t target = 0;
    bool operator>(const Entry& other) const { return tick > other.tick; }
  };
  [[nodiscard]] Tick tick_of(core::Deadline when) const;

  core::Deadline start_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
  std::vector<std::uint32_t> removed_;
};

/// A first failure is held until a second probe has had its say: a lost packet pages nobody.
class Confirmation {
 public:
  enum class Verdict {
    append,       // as it is
    hold,         // keep it, and probe again after `confirm`
    append_both,  // the held one was true: it, then this one
    drop_held,    // the held one was a slip: count it, append only this one
  };
  [[nodiscard]] Verdict judge(bool good, core::Duration confirm);
  /// What is held was no answer: as if it had not been asked.
  void withdraw() { holding_ = false; }
  [[nodiscard]] bool holding() const { return holding_; }
  /// Good or bad as last appended; nothing before the first.
  [[nodiscard]] std::optional<bool> settled() const { return settled_; }

 private:
  std::optional<bool> settled_;
  bool holding_ = false;
};

/// How many probes may be under way, in all and against one host. Who finds no room is told who is to go on when
/// somebody leaves: in order, past those whose host is still full. At most as many wait as there are targets.
class Admission {
 public:
  using Ticket = std::uint64_t;
  /// What the targets of one host share.
  struct Host {
    std::size_t under_way = 0;
    std::set<Ticket> waiting;
  };
  Admission(std::size_t in_all, std::size_t per_host) : in_all_(in_all), per_host_(per_host) {}

  /// The host of that name. Whoever enters or waits keeps it until it has left.
  [[nodiscard]] std::shared_ptr<Host> host(const std::string& name);
  /// True if there is room: the probe may start.
  [[nodiscard]] bool enter(Host& host);
  /// For who found no room.
  [[nodiscard]] Ticket wait(Host& host);
  /// Gives up waiting. False if it was called up already: then it has to leave.
  bool give_up(Ticket ticket);
  /// Ends a probe against this host; the tickets that may start now.
  [[nodiscard]] std::vector<Ticket> leave(Host& host);
  [[nodiscard]] std::size_t under_way() const { return under_way_; }

 private:
  /// Notes whether the host has room for the first who waits there.
  void look_at(Host& host);

  std::size_t in_all_;
  std::size_t per_host_;
  std::size_t under_way_ = 0;
  std::unordered_map<std::string, std::weak_ptr<Host>> hosts_;
  std::size_t tidy_at_ = 64;  // hosts: then those that nobody keeps are forgotten
  std::unordered_map<Ticket, Host*> waiting_;
  std::map<Ticket, Host*> next_to_go_;  // the first of each host that has room: there are some only where all is full
  Ticket next_ = 1;
};

}  // namespace tocsin::daemon
