// Between the judge and those who tell and act: what is owed is on disk before it is told. The judge never waits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/memory.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/state/ledger.hpp"

namespace tocsin::daemon {

struct KeeperHooks {
  /// Who is owed what fires and resolves.
  std::function<std::vector<std::string>()> receivers;
  /// Whether nobody is to be told of a change: then nobody is owed it. May be empty.
  std::function<bool(const core::AlertChange&)> withheld;
  /// Called in the order of the changes, on whatever thread. Must not wait.
  std::function<void(std::vector<core::AlertChange>)> tell;
  /// The disk took a promise after it had refused one (nothing), or refused one (why). On whatever thread.
  std::function<void(std::optional<std::string>)> disk_changed;
};

/// A disk that fails or is slow stops nothing: after `patience` what is owed is told without the promise that it will
/// be told after a crash as well.
class Keeper {
 public:
  static constexpr std::chrono::seconds patience{1};

  /// `ledger` may be null: then nothing is kept. It must outlive the keeper, which drops what it has not told when it
  /// goes.
  Keeper(net::Loop& loop, state::Ledger* ledger, std::uint64_t last_number, KeeperHooks hooks);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// On one thread (the judge's). Gives the changes their numbers.
  void keep(std::vector<core::AlertChange> changes, std::vector<core::Memory> memories);
  /// From any thread: nothing is told from now on.
  void close();
  /// From any thread: how many changes were told before they were on disk.
  [[nodiscard]] std::uint64_t told_unkept() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::daemon
