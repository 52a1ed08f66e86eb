#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <list>
#include <utility>

#include "awaiting.hpp"
#include "tocsin/net/loop.hpp"

namespace tocsin::net {
namespace asio = boost::asio;

struct Event::Impl {
  struct Waiter {
    asio::steady_timer timer;
    bool woken = false;
    bool value = false;
  };
  explicit Impl(Executor used) : executor(std::move(used)) {}

  Executor executor;
  bool set = false;
  std::list<Waiter*> waiters;

  void wake(bool value) {
    for (Waiter* waiter : waiters) {
      if (waiter->woken) continue;
      waiter->woken = true;
      waiter->value = value;
      waiter->timer.cancel();
    }
  }
};

Event::Event(Executor executor) : impl_(std::make_shared<Impl>(std::move(executor))) {}
Event::~Event() {
  if (impl_) impl_->wake(false);
}
Event::Event(Event&&) noexcept = default;
Event& Event::operator=(Event&&) noexcept = default;

void Event::set() {
  if (impl_->set) return;
  impl_->set = true;
  impl_->wake(true);
}
void Event::reset() { impl_->set = false; }
bool Event::is_set() const { return impl_->set; }

Task<bool> Event::wait(core::Deadline deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  if (impl->set) co_return true;
  if (co_await is_cancelled()) co_return false;

  Impl::Waiter waiter{asio::steady_timer(impl->executor, deadline)};
  const auto place = impl->waiters.insert(impl->waiters.end(), &waiter);
  struct Leave {
    Impl& impl;
    std::list<Impl::Waiter*>::iterator place;
    ~Leave() { impl.waiters.erase(place); }
  };
  const Leave leave{*impl, place};
  co_await waiter.timer.async_wait(as_values);
  co_return waiter.woken&& waiter.value;
}

}  // namespace tocsin::net
