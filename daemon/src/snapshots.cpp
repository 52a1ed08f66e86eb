#include "src/snapshots.hpp"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace tocsin::daemon {

struct Snapshots::Impl {
  Impl(std::string folder, const store::Store& store_, Clock clock_, Log log_)
      : writer(std::move(folder)), store(store_), clock(std::move(clock_)), log(std::move(log_)) {}

  void serve();
  void write();
  void tell_of_reads();

  store::SnapshotWriter writer;  // of the thread alone
  const store::Store& store;
  // Of the thread alone:
  std::uint64_t read_failures = 0;  // when it looked last
  bool reads_fail = false;          // between the last two looks
  Clock clock;
  Log log;
  mutable std::mutex mutex;  // guards what follows
  std::condition_variable wake;
  bool stopping = false;
  SnapshotStatus status;
  std::string last_error;
  std::thread thread;
};

void Snapshots::Impl::serve() {
  ::pthread_setname_np(::pthread_self(), "samples");
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(mutex);
      last = wake.wait_for(lock, interval, [this] { return stopping; });
    }
    write();
    tell_of_reads();
  }
}

void Snapshots::Impl::write() {
  const auto begun = std::chrono::steady_clock::now();
  const core::TimePoint now = clock();
  const auto done = writer.write(store, now);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::string news;
  {
    const std::lock_guard lock(mutex);
    status.took_seconds = took.count();
    if (done) {
      status.written = now;
      status.on_disk = done->on_disk;
    } else {
      ++status.failures;
    }
    std::string error = done ? std::string() : done.error().detail;
    if (error != last_error) news = error.empty() ? "samples are written to disk again" : error;
    last_error = std::move(error);
  }
  if (news.empty()) return;
  log.write(done ? Level::info : Level::warning,
            done ? news : "samples cannot be written to disk: after a restart rates begin anew", {{"detail", news}});
}

// Once, until a while without: what cannot be read may be asked for again and again.
void Snapshots::Impl::tell_of_reads() {
  const std::uint64_t failures = store.stats().read_failures;
  const bool fail = failures != std::exchange(read_failures, failures);
  if (std::exchange(reads_fail, fail) || !fail) return;
  log.write(
      Level::warning, "samples cannot be read back from disk: queries go without them",
      {{"times", std::to_string(failures)},
       {"help", "rules look at newer samples and judge as before; see whether the disk of storage.path is sound"}});
}

Snapshots::Snapshots(std::string folder, const store::Store& store, Clock clock, Log log)
    : impl_(std::make_unique<Impl>(std::move(folder), store, std::move(clock), std::move(log))) {}

Snapshots::~Snapshots() { stop(); }

void Snapshots::start() {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->thread.joinable() && !impl_->stopping) impl_->thread = std::thread([this] { impl_->serve(); });
}

void Snapshots::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_one();
  if (impl_->thread.joinable()) impl_->thread.join();
}

SnapshotStatus Snapshots::status() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->status;
}

}  // namespace tocsin::daemon
