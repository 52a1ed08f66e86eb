// What is asked in one place (a server through its main connection, or one more database) and what becomes of the
// answers: which statements go into the next message, who failed, who is asked in another way. No I/O here.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "postgres/collector.hpp"
#include "postgres/failure.hpp"
#include "postgres/rows.hpp"
#include "postgres/samples.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::probes::postgres {

using Collectors = std::vector<std::unique_ptr<Collector>>;

/// Limits that the server keeps, for the statements of one message.
struct Limits {
  std::chrono::milliseconds statement{1000};
  std::chrono::milliseconds lock{100};
};

/// How a collector did.
struct Turn {
  const Collector* collector = nullptr;
  std::string section;
  bool hidden = false;                        // of our own; not shown among the collectors
  unsigned attempt = 0;                       // which of its queries this server understands
  bool pending = false;                       // is to be asked in this probe
  bool success = false;                       // the last time
  bool slow = false;                          // ran into a time limit the last time: is asked last
  bool asked = false;                         // in this probe
  std::optional<core::TimePoint> refused_at;  // when the server said that it cannot answer this, in any way
  std::string failure;                        // why it failed
  std::optional<core::TimePoint> read_at;
  std::chrono::nanoseconds took{0};
};

/// One place. `begin`, then as long as there is a `message`: send it, and `take` each answer in order, then `finish`.
class Questions {
 public:
  enum class Place { main, other_database };
  Questions(const Collectors& collectors, Place place, const std::string& database);

  /// One more collector, which is no collector to the outside; it must outlive this.
  void add_hidden(const Collector& collector);
  /// `fresh`: ask everything, and in the first way. `light`: greet first, and ask when that was answered.
  void begin(core::TimePoint at, bool fresh, Samples& samples, bool light = false);
  /// What to send next; nothing when all has been asked. `server` is what is believed of the server; if the first
  /// answer says otherwise, all is asked once more for what it is.
  [[nodiscard]] std::optional<std::string> message(const ServerInfo& server, Limits limits, bool in_failed_block);
  /// The answer to the next statement: a table, nothing of interest (`rows` null), or an error.
  void take(const Rows* rows, const SqlError* error, std::chrono::nanoseconds since_last, ServerInfo& server,
            Samples& samples);
  /// All answers to the message have come.
  void finish();
  /// Gives what is known once more, where nothing is asked this time.
  void repeat(Samples& samples) const;

  /// The first statement of a message failed: nothing can be asked here.
  [[nodiscard]] const std::optional<SqlError>& refused() const { return refused_; }
  /// The server has answered the first statement of this probe.
  [[nodiscard]] bool answered() const { return answered_; }
  /// What was not asked to the end failed, and why; who was being asked counts as slow.
  void give_up(const std::string& why, Samples& samples);
  [[nodiscard]] std::span<const Turn> turns() const { return turns_; }

 private:
  [[nodiscard]] Turn* turn_at(long step);
  [[nodiscard]] std::vector<std::size_t> choose(const ServerInfo& server);
  void put(std::string& sql, Limits limits, const ServerInfo& server);
  void not_here(Turn& turn);
  [[nodiscard]] bool due(const Turn& turn, bool fresh) const;
  void greet(const Rows* rows, ServerInfo& server);
  void read(Turn& turn, const Rows* rows, const ServerInfo& server, Samples& samples);
  void fail(Turn& turn, const SqlError& error, Samples& samples);
  void fail_at(long step, const SqlError& error, Samples& samples);

  std::vector<Turn> turns_;
  core::TimePoint at_;
  bool main_;
  bool one_by_one_ = false;     // the server does not take many statements at once
  bool plain_ = false;          // nor client_connection_check_interval
  bool light_ = false;          // the greeting goes alone
  bool greeting_said_ = false;  // in this probe
  bool answered_ = false;
  std::optional<SqlError> refused_;

  // Of the message that is under way.
  std::vector<std::size_t> asked_;  // numbers of turns, in order
  std::vector<std::string> sql_;    // their queries
  long step_ = 0;                   // answers taken: the block's begin, the greeting, the collectors'
  bool skip_ = false;               // what follows does not count
  bool extra_ = false;              // a statement of the operator's own
};

}  // namespace tocsin::probes::postgres
