#include "tocsin/net/process.hpp"

#include <fcntl.h>
#include <sys/wait.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <cerrno>
#include <csignal>
#include <memory>
#include <string_view>
#include <utility>

#include "awaiting.hpp"
#include "spawn.hpp"

namespace tocsin::net {
namespace asio = boost::asio;

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;
using std::chrono::steady_clock;
using Descriptor = asio::posix::stream_descriptor;

namespace {

constexpr std::chrono::milliseconds pipe_grace{250};  // for pipes to end, once the group is gone
constexpr std::chrono::seconds unkillable_after{10};  // a process that KILL does not end hangs in the kernel

/// write() that answers EPIPE without the signal, which by default would end us.
ssize_t write_quietly(int fd, std::string_view bytes) {
  sigset_t pipe;
  sigset_t before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t size = ::write(fd, bytes.data(), bytes.size());
  const int error = errno;
  const timespec now{};
  if (size < 0 && error == EPIPE) ::sigtimedwait(&pipe, nullptr, &now);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return size;
}

/// A child under way. Handlers keep it alive until the child was reaped, so no zombie is left even if nobody waits any
/// more.
class Run : public std::enable_shared_from_this<Run> {
 public:
  Run(const Executor& executor, Spawned child, ProcessSpec spec)
      : pid_(child.pid),
        spec_(std::move(spec)),
        pidfd_(executor, child.pidfd.release()),
        in_(executor, child.in.release()),
        out_{Descriptor(executor, child.out.release()), {}, true},
        err_{Descriptor(executor, child.err.release()), {}, true},
        ended(executor),
        drained(executor) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  /// Destroyed with a child only when the loop is: then there is no time left for manners.
  ~Run() {
    if (reaped_) return;
    signal_group(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  void start() {
    pidfd_.async_wait(Descriptor::wait_read, [self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->reap();
    });
    feed();
    read(out_);
    read(err_);
  }

  void signal_group(int number) const {
    if (!reaped_) ::kill(-pid_, number);
  }

  void close_pipes() {
    boost::system::error_code ignored;
    in_.close(ignored);
    out_.descriptor.close(ignored);
    err_.descriptor.close(ignored);
  }

  /// What it left behind, after it has ended.
  ProcessExit take() {
    exit_.out = std::move(out_.text);
    exit_.err = std::move(err_.text);
    return std::move(exit_);
  }

 private:
  struct Output {
    Descriptor descriptor;
    std::string text;
    bool open = true;
  };

  void reap() {
    // The leader is a zombie still, so its group's number cannot be anyone else's: the rest of the group goes first.
    ::kill(-pid_, SIGKILL);
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) == 0) {
      exit_.status = info.si_code == CLD_EXITED ? info.si_status : -1;
      if (info.si_code != CLD_EXITED) exit_.signal = info.si_status;
    }
    reaped_ = true;
    ended.set();
  }

  void feed() {
    const std::string_view rest = std::string_view(spec_.input).substr(fed_);
    const ssize_t size = rest.empty() ? 0 : write_quietly(in_.native_handle(), rest);
    if (size > 0) fed_ += static_cast<std::size_t>(size);
    const bool failed = size < 0 && errno != EAGAIN && errno != EINTR;
    if (failed || fed_ == spec_.input.size()) {
      boost::system::error_code ignored;
      in_.close(ignored);
      return;
    }
    in_.async_wait(Descriptor::wait_write, [self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->feed();
    });
  }

  void read(Output& from) {
    from.descriptor.async_wait(Descriptor::wait_read,
                               [self = shared_from_this(), &from](boost::system::error_code error) {
                                 if (!error && self->drain(from)) return self->read(from);
                                 from.open = false;
                                 if (!self->out_.open && !self->err_.open) self->drained.set();
                               });
  }

  /// Reads what is there, but not for ever: others on the loop have their turn. False at the end.
  bool drain(Output& from) {
    std::array<char, 16 * 1024> chunk;
    for (int round = 0; round < 16; ++round) {
      const ssize_t size = ::read(from.descriptor.native_handle(), chunk.data(), chunk.size());
      if (size < 0) return errno == EAGAIN || errno == EINTR;
      if (size == 0) return false;
      const std::size_t fits = std::min(static_cast<std::size_t>(size), spec_.max_output - from.text.size());
      from.text.append(chunk.data(), fits);
      if (fits < static_cast<std::size_t>(size)) exit_.output_cut = true;
    }
    return true;
  }

  pid_t pid_;
  ProcessSpec spec_;
  Descriptor pidfd_;
  Descriptor in_;
  Output out_;
  Output err_;
  std::size_t fed_ = 0;
  ProcessExit exit_;
  bool reaped_ = false;

 public:
  Event ended;    // the child has, and was reaped
  Event drained;  // both outputs came to their end
};

/// TERM, then KILL; false if even that did not end it.
Task<bool> end_group(std::shared_ptr<Run> run, std::chrono::milliseconds kill_after) {
  run->signal_group(SIGTERM);
  const bool polite = co_await run->ended.wait(steady_clock::now() + kill_after);
  if (polite) co_return true;
  run->signal_group(SIGKILL);
  co_return co_await run->ended.wait(steady_clock::now() + unkillable_after);
}

}  // namespace

Task<Result<ProcessExit>> run_process(ProcessSpec spec, core::Deadline deadline) {
  const auto cancelled_failure = [] { return Failure{Outcome::cancelled, Phase::none, "the command was cancelled"}; };
  const bool cancelled_before = co_await is_cancelled();
  if (cancelled_before) co_return cancelled_failure();
  const auto began = steady_clock::now();
  const std::chrono::milliseconds kill_after = spec.kill_after;
  const std::string command = spec.argv.empty() ? "" : spec.argv[0];
  Result<Spawned> child = spawn_process(spec);
  if (!child) co_return std::move(child).error();
  const Executor executor = co_await asio::this_coro::executor;
  const auto run = std::make_shared<Run>(executor, std::move(*child), std::move(spec));
  run->start();

  bool ended = co_await run->ended.wait(deadline);
  const bool cancelled = co_await is_cancelled();
  const bool timed_out = !ended && !cancelled;
  if (!ended) {
    // Ending it takes its time even where the caller was cancelled.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    ended = co_await end_group(run, kill_after);
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
  }
  if (ended && !cancelled) co_await run->drained.wait(steady_clock::now() + pipe_grace);
  run->close_pipes();
  if (cancelled) co_return cancelled_failure();
  if (!ended)
    co_return Failure{Outcome::timeout, Phase::none,
                      command + " cannot be ended, not even by KILL: it hangs in the kernel"};
  ProcessExit exit = run->take();
  exit.timed_out = timed_out;
  exit.took = steady_clock::now() - began;
  co_return exit;
}

}  // namespace tocsin::net
