// A TCP peer that does what a real server will not do on demand: half a reply, a hang, garbage, a reset.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tocsin::test {

/// One accepted connection, in the hands of a script. Everything blocks until it is done, the peer has gone or the test
/// ends.
class FakeConnection {
 public:
  FakeConnection(int fd, int stop) : fd_(fd), stop_(stop) {}
  ~FakeConnection() { close(); }
  FakeConnection(const FakeConnection&) = delete;
  FakeConnection& operator=(const FakeConnection&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  /// Reads until what was read holds `mark`; gives back all of it. Empty if the other side went first.
  std::string read_until(std::string_view mark) {
    while (buffer_.find(mark) == std::string::npos) {
      if (!read_more()) return {};
    }
    const std::size_t end = buffer_.find(mark) + mark.size();
    std::string text = buffer_.substr(0, end);
    buffer_.erase(0, end);
    return text;
  }
  std::string read(std::size_t size) {
    while (buffer_.size() < size) {
      if (!read_more()) return {};
    }
    std::string text = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return text;
  }
  /// False if the other side does not take it.
  bool send(std::string_view text) {
    while (!text.empty()) {
      if (!wait(POLLOUT)) return false;
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// Byte by byte, one each `pause`.
  bool drip(std::string_view text, std::chrono::milliseconds pause) {
    for (const char& byte : text) {
      if (!send(std::string_view(&byte, 1)) || stopped(pause)) return false;
    }
    return true;
  }
  /// Says nothing until the other side has gone or the test ends.
  void hang() {
    while (read_more()) {
    }
  }
  /// Reads nothing and says nothing until the test ends.
  void freeze() { static_cast<void>(stopped(std::chrono::hours(1))); }
  /// Ends the connection with RST.
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  bool stopped(std::chrono::milliseconds at_most) {
    pollfd watched{stop_, POLLIN, 0};
    return ::poll(&watched, 1, static_cast<int>(at_most.count())) > 0;
  }
  bool wait(short events) {
    pollfd watched[2] = {{fd_, events, 0}, {stop_, POLLIN, 0}};
    return ::poll(watched, 2, -1) > 0 && watched[1].revents == 0;
  }
  bool read_more() {
    if (!wait(POLLIN)) return false;
    char chunk[4096];
    const ssize_t size = ::recv(fd_, chunk, sizeof chunk, 0);
    if (size <= 0) return false;
    buffer_.append(chunk, static_cast<std::size_t>(size));
    return true;
  }

  int fd_;
  int stop_;
  std::string buffer_;
};

/// Listens on a free loopback port and runs the script for each connection, each in a thread of its own.
class FakePeer {
 public:
  using Script = std::function<void(FakeConnection&)>;
  explicit FakePeer(Script script) : script_(std::move(script)), stop_(::eventfd(0, EFD_CLOEXEC)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("fake peer cannot listen");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~FakePeer() {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(stop_, &one, sizeof one));
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    ::close(listener_);
    ::close(stop_);
  }
  FakePeer(const FakePeer&) = delete;
  FakePeer& operator=(const FakePeer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// How many connections were accepted.
  [[nodiscard]] int connections() const { return connections_; }
  /// How many scripts have ended.
  [[nodiscard]] int ended() const { return ended_; }

 private:
  void accept_all() {
    while (true) {
      pollfd watched[2] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
      if (::poll(watched, 2, -1) < 0 || watched[1].revents != 0) return;
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++connections_;
      threads_.emplace_back([this, fd] {
        {
          FakeConnection connection(fd, stop_);
          script_(connection);
        }
        ++ended_;
      });
    }
  }

  Script script_;
  int stop_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<int> ended_ = 0;
  std::thread acceptor_;
  std::vector<std::thread> threads_;
};

}  // namespace tocsin::test
