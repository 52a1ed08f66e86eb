// Name look-ups on a pool of threads. The asker may give up waiting; the look-up itself cannot be cancelled.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "tocsin/net/stream.hpp"

namespace tocsin::net {

/// Thread-safe; who waits may be on any loop. One look-up a name is under way at a time.
class Resolver : public std::enable_shared_from_this<Resolver> {
 public:
  explicit Resolver(BlockingPool& pool) : pool_(pool) {}
  [[nodiscard]] Task<core::Result<std::vector<Endpoint>>> resolve(std::string host, std::uint16_t port,
                                                                  core::Deadline deadline);

 private:
  struct Lookup;
  struct Waiter;
  [[nodiscard]] std::shared_ptr<Lookup> join(const std::string& host, Waiter& waiter);
  void finish(const std::string& host, const std::shared_ptr<Lookup>& lookup,
              core::Result<std::vector<Endpoint>> result);

  BlockingPool& pool_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Lookup>> under_way_;
};

}  // namespace tocsin::net
