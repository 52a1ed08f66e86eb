// A UDP peer on loopback that answers as a test wants.
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

/// For each datagram that comes in, sends back each of those that the script returns.
class UdpPeer {
 public:
  using Script = std::function<std::vector<std::string>(std::string_view)>;
  explicit UdpPeer(Script script) : script_(std::move(script)), stop_(::eventfd(0, EFD_CLOEXEC)) {
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, generic, size) != 0 || ::getsockname(socket_, generic, &size) != 0) {
      throw std::runtime_error("UDP peer cannot bind");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~UdpPeer() {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(stop_, &one, sizeof one));
    thread_.join();
    ::close(socket_);
    ::close(stop_);
  }
  UdpPeer(const UdpPeer&) = delete;
  UdpPeer& operator=(const UdpPeer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int received() const { return received_; }

 private:
  void run() {
    std::vector<char> buffer(70'000);
    while (true) {
      pollfd watched[2] = {{socket_, POLLIN, 0}, {stop_, POLLIN, 0}};
      if (::poll(watched, 2, -1) < 0 || watched[1].revents != 0) return;
      sockaddr_in from{};
      socklen_t size = sizeof from;
      auto* generic = reinterpret_cast<sockaddr*>(&from);
      const ssize_t got = ::recvfrom(socket_, buffer.data(), buffer.size(), 0, generic, &size);
      if (got < 0) continue;
      ++received_;
      for (const std::string& reply : script_(std::string_view(buffer.data(), static_cast<std::size_t>(got)))) {
        ::sendto(socket_, reply.data(), reply.size(), 0, generic, size);
      }
    }
  }

  Script script_;
  int stop_;
  int socket_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> received_ = 0;
  std::thread thread_;
};

}  // namespace tocsin::test
