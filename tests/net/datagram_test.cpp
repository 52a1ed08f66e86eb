#include "tocsin/net/datagram.hpp"

#include <gtest/gtest.h>

#include "support/free_port.hpp"
#include "support/run_task.hpp"
#include "support/udp_peer.hpp"

namespace tocsin::net {
namespace {

using namespace std::chrono_literals;
using core::Outcome;
using core::Phase;
using test::TestLoop;
using test::UdpPeer;

Endpoint local(std::uint16_t port) {
  Endpoint endpoint;
  endpoint.bytes = {127, 0, 0, 1};
  endpoint.port = port;
  return endpoint;
}

class DatagramTest : public testing::Test {
 protected:
  Datagram to(std::uint16_t port) {
    auto socket = Datagram::connect(loop_.executor(), local(port));
    if (!socket) throw std::runtime_error(socket.error().detail);
    return std::move(*socket);
  }
  core::Result<std::string> receive(Datagram& socket, std::size_t most = 100, std::chrono::milliseconds time = 5s) {
    std::string buffer(most, '\0');
    const auto received = loop_.run(socket.receive(buffer, TestLoop::in(time)));
    if (!received) return received.error();
    cut_ = received->cut;
    return buffer.substr(0, received->size);
  }

  TestLoop loop_;
  bool cut_ = false;
};

TEST_F(DatagramTest, SendsAndReceivesWholeDatagrams) {
  UdpPeer peer([](std::string_view text) {
    return std::vector<std::string>{"first " + std::string(text), "", "second"};
  });
  auto socket = to(peer.port());
  ASSERT_TRUE(loop_.run(socket.send("hello", TestLoop::in(5s))));
  EXPECT_EQ(receive(socket).value(), "first hello");
  EXPECT_EQ(receive(socket).value(), "");
  EXPECT_EQ(receive(socket).value(), "second");
}

TEST_F(DatagramTest, CutsWhatDoesNotFit) {
  UdpPeer peer([](std::string_view) { return std::vector<std::string>{std::string(60'000, 'x')}; });
  auto socket = to(peer.port());
  ASSERT_TRUE(loop_.run(socket.send("?", TestLoop::in(5s))));
  EXPECT_EQ(receive(socket, 16).value(), std::string(16, 'x'));
  EXPECT_TRUE(cut_);
}

TEST_F(DatagramTest, EndsAtTheDeadline) {
  UdpPeer peer([](std::string_view) { return std::vector<std::string>{}; });
  auto socket = to(peer.port());
  ASSERT_TRUE(loop_.run(socket.send("?", TestLoop::in(5s))));
  const auto begun = std::chrono::steady_clock::now();
  const auto received = receive(socket, 16, 50ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().outcome, Outcome::timeout);
  EXPECT_EQ(received.error().phase, Phase::receive);
}

TEST_F(DatagramTest, HearsThatNobodyListens) {
  auto socket = to(test::free_port());
  ASSERT_TRUE(loop_.run(socket.send("?", TestLoop::in(5s))));
  const auto received = receive(socket);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().outcome, Outcome::connect);
  EXPECT_NE(received.error().detail.find("nothing listens"), std::string::npos) << received.error().detail;
}

TEST_F(DatagramTest, EndsWhenClosedOrCancelled) {
  UdpPeer peer([](std::string_view) { return std::vector<std::string>{}; });
  auto socket = to(peer.port());
  loop_.loop().post_after(20ms, [&socket] { socket.close(); });
  const auto received = receive(socket, 16, 10s);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().outcome, Outcome::cancelled);

  auto other = to(peer.port());
  Outcome outcome = Outcome::ok;
  const auto wait = [](Datagram& waited, TestLoop& loop, Outcome& into) -> Task<void> {
    char buffer[16];
    const auto result = co_await waited.receive(buffer, TestLoop::in(10s));
    into = result ? Outcome::ok : result.error().outcome;
    loop.loop().stop();
  };
  const auto cancel = loop_.loop().spawn_cancellable("wait", wait(other, loop_, outcome));
  loop_.loop().post_after(20ms, cancel);
  loop_.loop().run();
  EXPECT_EQ(outcome, Outcome::cancelled);
}

TEST_F(DatagramTest, TalksFromAnAddressOfOurs) {
  UdpPeer peer([](std::string_view) { return std::vector<std::string>{"yes"}; });
  Endpoint source;
  source.bytes = {127, 0, 0, 2};
  auto socket = Datagram::connect(loop_.executor(), local(peer.port()), source);
  ASSERT_TRUE(socket);
  ASSERT_TRUE(loop_.run(socket->send("?", TestLoop::in(5s))));
  EXPECT_EQ(receive(*socket).value(), "yes");

  source.bytes = {192, 0, 2, 1};
  const auto foreign = Datagram::connect(loop_.executor(), local(peer.port()), source);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().outcome, Outcome::connect);
  EXPECT_NE(foreign.error().detail.find("192.0.2.1"), std::string::npos) << foreign.error().detail;
  source.v6 = true;
  EXPECT_FALSE(Datagram::connect(loop_.executor(), local(peer.port()), source));
}

}  // namespace
}  // namespace tocsin::net
