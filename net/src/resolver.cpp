#include "resolver.hpp"

#include <netdb.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "awaiting.hpp"
#include "endpoint.hpp"

namespace tocsin::net {
namespace asio = boost::asio;

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;
using Endpoints = std::vector<Endpoint>;

namespace {

constexpr std::size_t max_addresses = 64;

Result<Endpoints> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error != 0) {
    const char* reason = error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error);
    return Failure{Outcome::resolve, Phase::resolve, "cannot resolve " + host + ": " + reason};
  }
  Endpoints endpoints;
  for (const addrinfo* entry = list; entry != nullptr && endpoints.size() < max_addresses; entry = entry->ai_next) {
    if (const std::optional<Endpoint> endpoint = from_socket_address(entry->ai_addr)) endpoints.push_back(*endpoint);
  }
  ::freeaddrinfo(list);
  if (endpoints.empty()) return Failure{Outcome::resolve, Phase::resolve, host + " has no address"};
  return endpoints;
}

}  // namespace

/// One who waits: on its loop until the timer is cancelled (there is a result) or expires.
struct Resolver::Waiter {
  Executor executor;
  std::shared_ptr<asio::steady_timer> timer;
};

struct Resolver::Lookup {
  std::mutex mutex;
  std::vector<Waiter*> waiters;
  std::optional<Result<Endpoints>> result;

  void leave(const Waiter* waiter) {
    const std::lock_guard lock(mutex);
    std::erase(waiters, waiter);
  }
};

std::shared_ptr<Resolver::Lookup> Resolver::join(const std::string& host, Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  if (const auto found = under_way_.find(host); found != under_way_.end()) {
    const std::lock_guard joining(found->second->mutex);
    found->second->waiters.push_back(&waiter);
    return found->second;
  }
  auto lookup = std::make_shared<Lookup>();
  lookup->waiters.push_back(&waiter);
  const bool queued = pool_.submit([weak = weak_from_this(), host, lookup] {
    Result<Endpoints> result = look_up(host);
    if (const auto self = weak.lock()) self->finish(host, lookup, std::move(result));
  });
  if (!queued) return nullptr;
  under_way_.emplace(host, lookup);
  return lookup;
}

void Resolver::finish(const std::string& host, const std::shared_ptr<Lookup>& lookup, Result<Endpoints> result) {
  {
    const std::lock_guard lock(mutex_);
    under_way_.erase(host);
  }
  // Waiters leave under this mutex before their loop can go, so posting to one is safe.
  const std::lock_guard lock(lookup->mutex);
  lookup->result = std::move(result);
  for (Waiter* waiter : lookup->waiters) {
    asio::post(waiter->executor, [timer = waiter->timer] { timer->cancel(); });
  }
}

Task<Result<Endpoints>> Resolver::resolve(std::string host, std::uint16_t port, core::Deadline deadline) {
  if (const std::optional<Endpoint> numeric = numeric_endpoint(host, port)) co_return Endpoints(1, *numeric);
  if (host.empty()) co_return Failure{Outcome::resolve, Phase::resolve, "there is no host to resolve"};
  const bool cancelled = co_await is_cancelled();
  if (cancelled) co_return Failure{Outcome::cancelled, Phase::resolve, "resolving " + host + " was cancelled"};

  Waiter waiter;
  waiter.executor = co_await asio::this_coro::executor;
  waiter.timer = std::make_shared<asio::steady_timer>(waiter.executor, deadline);
  const std::shared_ptr<Lookup> lookup = join(host, waiter);
  if (!lookup)
    co_return Failure{Outcome::resolve, Phase::resolve,
                      "too many name look-ups wait already, " + host + " was not asked"};
  struct Leave {
    Lookup& lookup;
    const Waiter& waiter;
    ~Leave() { lookup.leave(&waiter); }
  };
  const Leave leave{*lookup, waiter};
  const auto [error] = co_await waiter.timer->async_wait(as_values);

  const std::lock_guard lock(lookup->mutex);
  if (lookup->result) {
    Result<Endpoints> result = *lookup->result;
    if (result) {
      for (Endpoint& endpoint : *result) endpoint.port = port;
    }
    co_return result;
  }
  if (error) co_return Failure{Outcome::cancelled, Phase::resolve, "resolving " + host + " was cancelled"};
  co_return Failure{Outcome::timeout, Phase::resolve,
                    "the name service did not answer for " + host + " before the deadline"};
}

}  // namespace tocsin::net
