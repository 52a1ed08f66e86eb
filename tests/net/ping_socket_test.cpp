#include "tocsin/net/ping_socket.hpp"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include "support/ping_allowed.hpp"
#include "support/run_task.hpp"

namespace tocsin::net {
namespace {

using namespace std::chrono_literals;
using core::Outcome;
using test::NetworkOfOurOwn;
using test::TestLoop;

Endpoint loopback(bool v6) {
  Endpoint endpoint;
  endpoint.v6 = v6;
  if (v6) {
    endpoint.bytes[15] = 1;
  } else {
    endpoint.bytes = {127, 0, 0, 1};
  }
  return endpoint;
}

/// An echo request with identifier 0x1234, sequence 7 and eight bytes; its checksum is right over IPv4.
std::string request(bool v6) {
  std::string message(
      "\x08\x00\x00\x00\x12\x34\x00\x07"
      "abcdefgh",
      16);
  if (v6) {
    message[0] = '\x80';
    return message;
  }
  unsigned sum = 0;
  for (std::size_t i = 0; i < message.size(); i += 2) {
    sum += 256U * static_cast<unsigned char>(message[i]) + static_cast<unsigned char>(message[i + 1]);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16U);
  message[2] = static_cast<char>(~sum >> 8U & 0xff);
  message[3] = static_cast<char>(~sum & 0xff);
  return message;
}

/// What comes back from loopback: the body of the echo reply, or what went wrong.
std::string echo(bool v6, const PingOptions& options, bool wants_raw) {
  TestLoop loop;
  auto socket = PingSocket::open(loop.executor(), loopback(v6), options);
  if (!socket) return socket.error().detail;
  if (socket->raw() != wants_raw) return "the other kind of socket";
  const std::string message = request(v6);
  if (const auto sent = loop.run(socket->send(message, TestLoop::in(5s))); !sent) return sent.error().detail;
  while (true) {
    std::string buffer(2000, '\0');
    const auto received = loop.run(socket->receive(buffer, TestLoop::in(5s)));
    if (!received) return received.error().detail;
    // A raw socket may hear replies to others.
    if (received->size < 16 || buffer.substr(6, 10) != message.substr(6)) continue;
    if (buffer[0] != (v6 ? '\x81' : '\0')) continue;
    if (received->from.to_string() != loopback(v6).to_string()) return "from " + received->from.to_string();
    if (!received->hop_limit || *received->hop_limit < 1) return "no hop limit";
    return buffer.substr(8, received->size - 8);
  }
}

TEST(PingSocketTest, UnprivilegedEcho) {
  const auto result = test::in_own_network(true, [] {
    const std::string v4 = echo(false, {}, false);
    const std::string v6 = echo(true, {}, false);
    if (v4 != "abcdefgh" || v6 != "abcdefgh") std::fprintf(stderr, "v4: %s\nv6: %s\n", v4.c_str(), v6.c_str());
    return v4 == "abcdefgh" && v6 == "abcdefgh";
  });
  if (result == NetworkOfOurOwn::refused) GTEST_SKIP() << "no network namespace of our own";
  EXPECT_EQ(result, NetworkOfOurOwn::ran);
}

TEST(PingSocketTest, RawEcho) {
  if (!test::may_open(SOCK_RAW)) GTEST_SKIP() << "no CAP_NET_RAW";
  PingOptions options;
  options.raw_only = true;
  options.ttl = 5;
  options.dont_fragment = true;
  EXPECT_EQ(echo(false, options, true), "abcdefgh");
  EXPECT_EQ(echo(true, options, true), "abcdefgh");
}

TEST(PingSocketTest, SaysWhatWouldAllowIt) {
  const auto result = test::in_own_network(false, [] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[2] = {};
    if (::syscall(SYS_capset, &header, none) != 0) return false;
    TestLoop loop;
    const auto socket = PingSocket::open(loop.executor(), loopback(false), {});
    return !socket && socket.error().outcome == Outcome::connect &&
           socket.error().detail.find("net.ipv4.ping_group_range") != std::string::npos &&
           socket.error().detail.find("CAP_NET_RAW") != std::string::npos;
  });
  if (result == NetworkOfOurOwn::refused) GTEST_SKIP() << "no network namespace of our own";
  EXPECT_EQ(result, NetworkOfOurOwn::ran);
}

TEST(PingSocketTest, HearsThatThereIsNoWay) {
  const auto result = test::in_own_network(true, [] {
    TestLoop loop;
    Endpoint nowhere;
    nowhere.bytes = {192, 0, 2, 1};
    const auto socket = PingSocket::open(loop.executor(), nowhere, {});
    return !socket && socket.error().outcome == Outcome::connect &&
           socket.error().detail.find("unreachable") != std::string::npos;
  });
  if (result == NetworkOfOurOwn::refused) GTEST_SKIP() << "no network namespace of our own";
  EXPECT_EQ(result, NetworkOfOurOwn::ran);
}

TEST(PingSocketTest, MustNotFragment) {
  const auto result = test::in_own_network(true, [] {
    if (!test::set_loopback_mtu(1500)) return false;
    TestLoop loop;
    std::string large = request(false);
    large.resize(2000, 'x');
    std::string outcomes;
    for (const bool dont_fragment : {true, false}) {
      PingOptions options;
      options.dont_fragment = dont_fragment;
      auto socket = PingSocket::open(loop.executor(), loopback(false), options);
      if (!socket) return false;
      const auto sent = loop.run(socket->send(large, TestLoop::in(5s)));
      outcomes += sent ? "ok " : std::string(core::to_string(sent.error().outcome)) + " ";
    }
    if (outcomes != "limit ok ") std::fprintf(stderr, "%s\n", outcomes.c_str());
    return outcomes == "limit ok ";
  });
  if (result == NetworkOfOurOwn::refused) GTEST_SKIP() << "no network namespace of our own";
  EXPECT_EQ(result, NetworkOfOurOwn::ran);
}

TEST(PingSocketTest, EndsAtTheDeadline) {
  if (!test::may_ping()) GTEST_SKIP() << "may not ping";
  TestLoop loop;
  auto socket = PingSocket::open(loop.executor(), loopback(false), {});
  ASSERT_TRUE(socket);
  std::string buffer(2000, '\0');
  const auto deadline = TestLoop::in(50ms);
  while (true) {  // others may ping loopback meanwhile
    const auto received = loop.run(socket->receive(buffer, deadline));
    if (received) continue;
    EXPECT_EQ(received.error().outcome, Outcome::timeout);
    break;
  }
}

}  // namespace
}  // namespace tocsin::net
