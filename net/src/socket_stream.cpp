#include "socket_stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "awaiting.hpp"

namespace tocsin::net {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;
using Step = TlsSession::Step;
using Wait = Socket::Wait;

namespace {

constexpr std::size_t one_segment = 500;

bool would_block(int error) { return error == EAGAIN; }

Wait wait_for(Step step) { return step == Step::want_write ? Wait::wait_write : Wait::wait_read; }

bool waits(Step step) { return step == Step::want_read || step == Step::want_write; }

std::string_view doing(Phase phase) {
  switch (phase) {
    case Phase::tls:
      return "the TLS handshake";
    case Phase::send:
      return "sending";
    default:
      return "waiting for data";
  }
}

/// Who is to answer may wait for the processor that we have.
void give_way(GivingWay& way, GivingWay::Times since) {
  const auto now = std::chrono::steady_clock::now();
  if (!way.falls_to_me(since, now)) return;
  ::sched_yield();
  way.was_away(now, std::chrono::steady_clock::now());
}

}  // namespace

SocketStream::SocketStream(std::shared_ptr<Socket> socket, Peer peer, std::shared_ptr<StreamShared> shared, bool as_new)
    : socket_(std::move(socket)), peer_(std::move(peer)), shared_(std::move(shared)), as_new_(as_new && shared_) {}

SocketStream::~SocketStream() { socket_->close(); }

void SocketStream::retire() noexcept {
  if (!as_new_ || at_once_ || session_ || ended_) return socket_->close();
  UniqueFd fd = socket_->give_up();
  if (fd) shared_->spare.give(std::move(fd), peer_.endpoint.v6);
}

Failure SocketStream::not_ready(Ready ready, Phase phase) const {
  if (ready == Ready::timeout) {
    return {Outcome::timeout, phase,
            "the deadline passed while " + std::string(doing(phase)) + (phase == Phase::send ? " to " : " with ") +
                peer_.to_string()};
  }
  return {Outcome::cancelled, phase, std::string(doing(phase)) + " was cancelled"};
}

Failure SocketStream::system_failure(int error, Phase phase) const {
  if (!socket_->is_open()) return not_ready(Ready::cancelled, phase);
  const std::string what =
      error == 0 ? "closed the connection" : "connection failed: " + std::string(std::strerror(error));
  return {Outcome::closed, phase, peer_.to_string() + (error == 0 ? " " : ": ") + what};
}

Failure SocketStream::tls_failure(Step step, Phase phase) const {
  if (step == Step::closed) {
    return {Outcome::closed, phase, peer_.to_string() + ": " + session_->error()};
  }
  return {Outcome::tls, Phase::tls,
          peer_.to_string() + (session_->refused() ? " refused our TLS: " : " broke TLS: ") + session_->error()};
}

std::optional<Result<std::size_t>> SocketStream::receive(std::span<char> into) {
  while (true) {
    const ssize_t size = ::recv(socket_->fd(), into.data(), into.size(), MSG_DONTWAIT);
    if (size > 0) return static_cast<std::size_t>(size);
    if (size == 0) {
      ended_ = true;
      return system_failure(0, Phase::receive);
    }
    if (errno == EINTR) continue;
    if (would_block(errno)) return std::nullopt;
    return system_failure(errno, Phase::receive);
  }
}

Task<Result<std::size_t>> SocketStream::read_some(std::span<char> into) {
  if (session_) return read_tls(into);
  return [](SocketStream& self, std::span<char> buffer) -> Task<Result<std::size_t>> {
    bool look = !std::exchange(self.asked_, false);
    int looks_left = !look && self.shared_ && self.shared_->prediction.soon() ? 2 : 0;  // instead of waiting
    if (looks_left > 0) {
      co_await next_turn();
      look = true;
    }
    while (true) {
      if (!self.socket_->is_open()) co_return self.not_ready(Ready::cancelled, Phase::receive);
      if (self.socket_->expired()) co_return self.not_ready(Ready::timeout, Phase::receive);
      if (look) {
        std::optional<Result<std::size_t>> received = self.receive(buffer);
        if (looks_left == 2 && !received) {
          --looks_left;
          const GivingWay::Times since = self.shared_->giving_way.times();
          co_await next_turn();
          give_way(self.shared_->giving_way, since);
          continue;
        }
        if (std::exchange(looks_left, 0) > 0) self.shared_->prediction.was(received.has_value());
        if (received) co_return std::move(*received);
      }
      look = true;
      const Ready ready = co_await self.socket_->wait(Wait::wait_read);
      if (ready != Ready::yes) co_return self.not_ready(ready, Phase::receive);
    }
  }(*this, into);
}

Task<Result<std::size_t>> SocketStream::read_tls(std::span<char> into) {
  while (true) {
    if (!socket_->is_open()) co_return not_ready(Ready::cancelled, Phase::receive);
    if (socket_->expired()) co_return not_ready(Ready::timeout, Phase::receive);
    std::size_t size = 0;
    const Step step = session_->read(into, size);
    if (step == Step::done) co_return size;
    if (!waits(step)) {
      ended_ = step == Step::closed && session_->ended();
      co_return tls_failure(step, Phase::receive);
    }
    const Ready ready = co_await socket_->wait(wait_for(step));
    if (ready != Ready::yes) co_return not_ready(ready, Phase::receive);
  }
}

// Small writes must not wait for the ACKs of earlier ones. A first one that fits one segment never does.
void SocketStream::send_at_once() {
  if (at_once_ || !peer_.path.empty()) return;
  at_once_ = true;
  const int on = 1;
  ::setsockopt(socket_->fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::size_t SocketStream::write_now(std::string_view bytes) {
  if (session_ || !socket_->is_open() || socket_->expired()) return 0;
  if (std::exchange(written_, true) || bytes.size() > one_segment) send_at_once();
  asked_ = true;
  const ssize_t size = ::send(socket_->fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (size >= 0) return static_cast<std::size_t>(size);
  write_error_ = errno;
  return 0;
}

Task<Result<void>> SocketStream::write(std::string_view bytes) {
  if (session_ || std::exchange(written_, true) || bytes.size() > one_segment) send_at_once();
  if (session_) return write_tls(bytes);
  return [](SocketStream& self, std::string_view rest) -> Task<Result<void>> {
    self.asked_ = true;
    if (const int error = std::exchange(self.write_error_, 0); error != 0 && error != EINTR && !would_block(error)) {
      co_return self.system_failure(error, Phase::send);
    }
    while (!rest.empty()) {
      if (!self.socket_->is_open()) co_return self.not_ready(Ready::cancelled, Phase::send);
      if (self.socket_->expired()) co_return self.not_ready(Ready::timeout, Phase::send);
      const ssize_t size = ::send(self.socket_->fd(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (size >= 0) {
        rest.remove_prefix(static_cast<std::size_t>(size));
        continue;
      }
      if (errno == EINTR) continue;
      if (!would_block(errno)) co_return self.system_failure(errno, Phase::send);
      const Ready ready = co_await self.socket_->wait(Wait::wait_write);
      if (ready != Ready::yes) co_return self.not_ready(ready, Phase::send);
    }
    co_return Result<void>();
  }(*this, bytes);
}

Task<Result<void>> SocketStream::write_tls(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!socket_->is_open()) co_return not_ready(Ready::cancelled, Phase::send);
    if (socket_->expired()) co_return not_ready(Ready::timeout, Phase::send);
    std::size_t size = 0;
    const Step step = session_->write(bytes, size);
    if (step == Step::done) {
      bytes.remove_prefix(size);
      continue;
    }
    if (!waits(step)) co_return tls_failure(step, Phase::send);
    const Ready ready = co_await socket_->wait(wait_for(step));
    if (ready != Ready::yes) co_return not_ready(ready, Phase::send);
  }
  co_return Result<void>();
}

Task<bool> SocketStream::wait_closed() {
  while (true) {
    if (session_) {
      // Session tickets are read and kept from us here; only data, an end or an error counts.
      if (!socket_->is_open()) co_return false;
      if (!waits(session_->peek())) co_return true;
    }
    const Ready ready = co_await socket_->watch();
    if (ready != Ready::yes) co_return false;
    if (session_) continue;
    char byte = 0;
    const ssize_t size = ::recv(socket_->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (size >= 0 || !(would_block(errno) || errno == EINTR)) co_return true;
  }
}

Task<Result<void>> SocketStream::start_tls(const TlsOptions& options, std::string host) {
  const std::string name = options.server_name.empty() ? std::move(host) : options.server_name;
  auto context = shared_ ? shared_->contexts.get(options)
                         : Result<std::shared_ptr<const TlsContext>>(
                               Failure{Outcome::internal, Phase::tls, "this stream was made without TLS"});
  if (!context) co_return std::move(context).error();
  if (!socket_->is_open()) co_return not_ready(Ready::cancelled, Phase::tls);
  send_at_once();
  session_ = std::make_unique<TlsSession>(std::move(*context), socket_->fd(), name, options);
  while (true) {
    if (!socket_->is_open()) co_return not_ready(Ready::cancelled, Phase::tls);
    if (socket_->expired()) co_return not_ready(Ready::timeout, Phase::tls);
    const Step step = session_->handshake();
    if (step == Step::done) co_return Result<void>();
    if (!waits(step)) co_return handshake_failure(step, name);
    const Ready ready = co_await socket_->wait(wait_for(step));
    if (ready != Ready::yes) co_return not_ready(ready, Phase::tls);
  }
}

Failure SocketStream::handshake_failure(Step step, const std::string& name) const {
  const TlsInfo& info = session_->info();
  const std::string peer = peer_.to_string();
  std::string text;
  if (!info.verify_error.empty()) {
    text = "the certificate of " + peer + " is not good for " + name + ": " + info.verify_error + " (subject " +
           info.subject + ", issuer " + info.issuer;
    if (!info.subject_alternative.empty()) text += ", for " + info.subject_alternative;
    text += ")";
  } else if (step == Step::closed) {
    text = peer + " ended the TLS handshake: " + session_->error() + " (does it speak TLS on this port?)";
  } else if (session_->error() == "wrong version number" || session_->error() == "packet length too long") {
    text = peer + " does not speak TLS on this port: it answered with something else (" + session_->error() + ")";
  } else if (session_->refused()) {
    text = peer + " refused the TLS handshake for " + name + ": " + session_->error();
  } else {
    text = "the TLS handshake with " + peer + " for " + name + " failed: " + session_->error();
  }
  return {Outcome::tls, Phase::tls, std::move(text)};
}

}  // namespace tocsin::net
