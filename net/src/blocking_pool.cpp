#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "tocsin/net/loop.hpp"

namespace tocsin::net {

struct BlockingPool::Impl {
  explicit Impl(std::size_t most) : max_queued(most) {}

  std::size_t max_queued;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  bool stopping = false;
  std::vector<std::thread> threads;

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return stopping || !queue.empty(); });
      if (stopping) return;
      const std::function<void()> next = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      next();
      lock.lock();
    }
  }
};

BlockingPool::BlockingPool(std::size_t threads, std::size_t max_queued) : impl_(std::make_shared<Impl>(max_queued)) {
  for (std::size_t i = 0; i < threads; ++i) impl_->threads.emplace_back([impl = impl_] { impl->work(); });
}

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->changed.notify_all();
  for (std::thread& thread : impl_->threads) thread.join();
}

void BlockingPool::abandon() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->changed.notify_all();
  for (std::thread& thread : impl_->threads) thread.detach();
  impl_->threads.clear();
}

bool BlockingPool::submit(std::function<void()> work) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping || impl_->queue.size() >= impl_->max_queued) return false;
    impl_->queue.push_back(std::move(work));
  }
  impl_->changed.notify_one();
  return true;
}

}  // namespace tocsin::net
