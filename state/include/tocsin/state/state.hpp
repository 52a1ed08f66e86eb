// The database of the data folder, and the one thread that writes it: who opens it has the journal and the ledger.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "tocsin/core/time.hpp"
#include "tocsin/state/journal.hpp"
#include "tocsin/state/ledger.hpp"

namespace tocsin::state {

/// Why a folder is not opened, and what to do about it.
struct Refusal {
  enum class Why {
    in_use,    // another process has it: two must never run on one folder
    newer,     // a newer tocsin wrote the file; it is left alone
    unusable,  // it cannot be written: missing, somebody else's, on a disk that is read-only, full or broken
  };
  Why why = Why::unusable;
  std::string detail;
};

/// Found by argument lookup when a result without a value is asked for one.
[[noreturn]] inline void throw_exception_from_error(const Refusal& refusal, const boost::source_location& where) {
  throw std::logic_error("unchecked refusal: " + refusal.detail + " at " + where.to_string());
}

struct StateOptions {
  std::function<core::TimePoint()> clock;        // for `last_alive`; without it, the newest time that was written
  std::function<void(const std::string&)> tell;  // what a person should know, on the state thread; may be empty
};

class State {
 public:
  /// Opens or makes `folder`/tocsin.db. What is damaged is set aside, and what of it is sound is taken over.
  [[nodiscard]] static boost::system::result<std::unique_ptr<State>, Refusal> open(const std::string& folder,
                                                                                   StateOptions options = {});
  /// Writes what waits, hands out the receipts, then closes.
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  [[nodiscard]] Journal& journal();
  [[nodiscard]] Ledger& ledger();
  /// Empty, or what was found at open and a person should know.
  [[nodiscard]] const std::string& note() const;
  /// How many damaged files were set aside, at open and since. When it grows while the process runs, the new file has
  /// only what could be read of the old one: a promise of everything makes it whole again. Any thread.
  [[nodiscard]] std::uint64_t damaged() const;

 private:
  class Impl;
  explicit State(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::state
