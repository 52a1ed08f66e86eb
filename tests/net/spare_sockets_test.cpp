// Real sockets on the loopback network: who is connected by a socket that served before sees a new connection.
#include "src/spare_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "support/run_task.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::net {
namespace {

using namespace std::chrono_literals;
using test::TestLoop;

constexpr int enough = 32;  // given, the first of them may serve

class Listener {
 public:
  explicit Listener(bool v6 = false) : fd_(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in v4_name{};
    v4_name.sin_family = AF_INET;
    v4_name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6_name{};
    v6_name.sin6_family = AF_INET6;
    v6_name.sin6_addr = in6addr_loopback;
    std::memcpy(&name_, v6 ? static_cast<void*>(&v6_name) : &v4_name, v6 ? sizeof v6_name : sizeof v4_name);
    size_ = v6 ? sizeof v6_name : sizeof v4_name;
    EXPECT_EQ(::bind(fd_.get(), address(), size_), 0) << std::strerror(errno);
    EXPECT_EQ(::listen(fd_.get(), 128), 0);
    EXPECT_EQ(::getsockname(fd_.get(), address(), &size_), 0);
  }
  void connect(const UniqueFd& fd) { EXPECT_EQ(::connect(fd.get(), address(), size_), 0) << std::strerror(errno); }
  UniqueFd accept(sockaddr_in* from = nullptr) {
    socklen_t size = sizeof *from;
    return UniqueFd(::accept(fd_.get(), reinterpret_cast<sockaddr*>(from), from == nullptr ? nullptr : &size));
  }
  /// Whether a connection is there to be accepted.
  [[nodiscard]] bool sees_one() const {
    pollfd look{fd_.get(), POLLIN, 0};
    return ::poll(&look, 1, 0) == 1;
  }
  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in name;
    std::memcpy(&name, &name_, sizeof name);
    return ntohs(name.sin_port);
  }
  [[nodiscard]] int family() const { return name_.ss_family; }

 private:
  sockaddr* address() { return reinterpret_cast<sockaddr*>(&name_); }
  UniqueFd fd_;
  sockaddr_storage name_{};
  socklen_t size_ = 0;
};

struct Connected {
  explicit Connected(Listener& listener) : ours(::socket(listener.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    listener.connect(ours);
    theirs = listener.accept();
  }
  UniqueFd ours;
  UniqueFd theirs;
};

/// What a peer reads at last: 0 where the connection ended in order, else the error.
int ending(const UniqueFd& peer) {
  char byte = 0;
  return ::recv(peer.get(), &byte, 1, 0) == 0 ? 0 : errno;
}

/// Until the other side's end is there.
void await_end(const UniqueFd& fd) {
  pollfd look{fd.get(), POLLRDHUP, 0};
  EXPECT_EQ(::poll(&look, 1, 10'000), 1);
}

std::size_t open_sockets() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    count += std::filesystem::read_symlink(entry.path(), gone).string().starts_with("socket:") ? 1 : 0;
  }
  return count;
}

TEST(SpareSockets, OneThatServedServesAgain) {
  Listener listener;
  SpareSockets spare;
  EXPECT_FALSE(spare.take(false)) << "there is none yet";
  std::vector<int> given;
  for (int i = 0; i < enough; ++i) {
    Connected pair(listener);
    given.push_back(pair.ours.get());
    pair.theirs.reset();
    await_end(pair.ours);
    spare.give(std::move(pair.ours), false);
  }
  Listener other;
  for (int i = 0; i < 3; ++i) {
    const UniqueFd again = spare.take(false);
    ASSERT_TRUE(again);
    EXPECT_EQ(again.get(), given[static_cast<std::size_t>(i)]) << "the oldest first";
    other.connect(again);
    const UniqueFd peer = other.accept();
    char word[4]{};
    EXPECT_EQ(::send(peer.get(), "new", 3, 0), 3);
    EXPECT_EQ(::recv(again.get(), word, 3, MSG_WAITALL), 3);
    EXPECT_STREQ(word, "new");
    int error = -1;
    socklen_t size = sizeof error;
    EXPECT_EQ(::getsockopt(again.get(), SOL_SOCKET, SO_ERROR, &error, &size), 0);
    EXPECT_EQ(error, 0);
  }
}

TEST(SpareSockets, ThePeerIsToldOfTheEnd) {
  Listener listener;
  SpareSockets spare;
  Connected pair(listener);
  spare.give(std::move(pair.ours), false);
  EXPECT_EQ(ending(pair.theirs), 0);
}

TEST(SpareSockets, AConnectionThatThePeerHasNotEndedIsNotBrokenOff) {
  Listener listener;
  SpareSockets spare;
  std::vector<UniqueFd> peers;
  for (int i = 0; i < enough; ++i) {
    Connected pair(listener);
    spare.give(std::move(pair.ours), false);
    peers.push_back(std::move(pair.theirs));
  }
  EXPECT_FALSE(spare.take(false));
  for (const UniqueFd& peer : peers) EXPECT_EQ(ending(peer), 0);
}

TEST(SpareSockets, OneThatWasResetIsNotUsed) {
  Listener listener;
  SpareSockets spare;
  for (int i = 0; i < enough; ++i) {
    Connected pair(listener);
    if (i == 0) {
      const linger at_once{1, 0};
      EXPECT_EQ(::setsockopt(pair.theirs.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    }
    spare.give(std::move(pair.ours), false);
    pair.theirs.reset();
  }
  const auto before = open_sockets();
  std::vector<UniqueFd> used;
  for (UniqueFd fd = spare.take(false); fd; fd = spare.take(false)) used.push_back(std::move(fd));
  EXPECT_EQ(used.size(), 15U) << "all of a look but the first";
  EXPECT_EQ(open_sockets(), before - 1);
}

TEST(SpareSockets, WhatWasNotReadIsForgotten) {
  Listener listener;
  SpareSockets spare;
  for (int i = 0; i < enough; ++i) {
    Connected pair(listener);
    EXPECT_EQ(::send(pair.theirs.get(), "old", 3, 0), 3);
    pair.theirs.reset();
    await_end(pair.ours);
    spare.give(std::move(pair.ours), false);
  }
  const UniqueFd again = spare.take(false);
  ASSERT_TRUE(again);
  listener.connect(again);
  const UniqueFd peer = listener.accept();
  char word[4]{};
  EXPECT_EQ(::send(peer.get(), "new", 3, 0), 3);
  EXPECT_EQ(::recv(again.get(), word, 3, MSG_WAITALL), 3);
  EXPECT_STREQ(word, "new");
}

TEST(SpareSockets, TheyAreBounded) {
  Listener listener;
  const auto before = open_sockets();
  {
    SpareSockets spare;
    for (int i = 0; i < 100; ++i) {
      Connected pair(listener);
      spare.give(std::move(pair.ours), false);
    }
    EXPECT_EQ(open_sockets(), before + 48);
  }
  EXPECT_EQ(open_sockets(), before);
}

TEST(SpareSockets, EachFamilyHasItsOwn) {
  Listener listener(true);
  SpareSockets spare;
  for (int i = 0; i < enough; ++i) {
    Connected pair(listener);
    pair.theirs.reset();
    await_end(pair.ours);
    spare.give(std::move(pair.ours), true);
  }
  EXPECT_FALSE(spare.take(false));
  EXPECT_TRUE(spare.take(true));
}

class RetireTest : public testing::Test {
 protected:
  /// A short conversation by the connector; how the peer saw us.
  std::pair<std::string, std::uint16_t> talk(bool from_elsewhere = false) {
    const auto to = numeric_endpoint("127.0.0.1", listener_.port());
    ConnectOptions options;
    if (from_elsewhere) options.source = numeric_endpoint("127.0.0.5", 0);
    auto stream = loop_.run(connector_.connect(*to, TestLoop::in(10s), options));
    EXPECT_TRUE(stream) << (stream ? "" : stream.error().detail);
    if (!stream) return {};
    if (!listener_.sees_one()) ++unseen_;
    EXPECT_TRUE(loop_.run((*stream)->write("hello")));
    sockaddr_in from{};
    UniqueFd peer = listener_.accept(&from);
    char word[6]{};
    EXPECT_EQ(::recv(peer.get(), word, 5, MSG_WAITALL), 5);
    EXPECT_EQ(::send(peer.get(), "world", 5, 0), 5);
    EXPECT_EQ(loop_.run((*stream)->read_some(word)).value(), 5U);
    (*stream)->retire();
    EXPECT_EQ(ending(peer), 0);
    char text[INET_ADDRSTRLEN]{};
    ::inet_ntop(AF_INET, &from.sin_addr, text, sizeof text);
    return {text, from.sin_port};
  }

  TestLoop loop_;
  BlockingPool pool_{1};
  Connector connector_{pool_};
  Listener listener_;
  int unseen_ = 0;  // connections that we had, and the listener not yet
};

TEST_F(RetireTest, EveryConversationIsAConnectionOfItsOwn) {
  std::set<std::uint16_t> ports;
  const auto before = open_sockets();
  for (int i = 0; i < 100; ++i) ports.insert(talk().second);
  EXPECT_GT(ports.size(), 90U);
  EXPECT_LE(open_sockets(), before + 33) << "those that rest, and one";
}

TEST_F(RetireTest, TheHandshakesLastAckGoesWithTheFirstWords) {
  for (int i = 0; i < 100; ++i) talk();
  EXPECT_GT(unseen_, 90) << "the system sends it after 200 ms, should we say nothing";
}

TEST_F(RetireTest, WhoIsToSpeakFirstHasTheConnectionAtOnce) {
  const auto to = numeric_endpoint("127.0.0.1", listener_.port());
  ConnectOptions options;
  options.peer_speaks_first = true;
  for (int i = 0; i < 100; ++i) {
    if (i % 2 == 0) talk();  // leaves sockets that would have it wait
    const auto stream = loop_.run(connector_.connect(*to, TestLoop::in(10s), options));
    ASSERT_TRUE(stream) << stream.error().detail;
    EXPECT_TRUE(listener_.sees_one());
    UniqueFd peer = listener_.accept();
    EXPECT_EQ(::send(peer.get(), "world", 5, 0), 5);
    char word[6]{};
    EXPECT_EQ(loop_.run((*stream)->read_some(word)).value(), 5U);
    (*stream)->retire();
    EXPECT_EQ(ending(peer), 0);
  }
}

TEST_F(RetireTest, AnAddressThatWasAskedForIsNotHandedOn) {
  for (int i = 0; i < 40; ++i) EXPECT_EQ(talk(true).first, "127.0.0.5");
  for (int i = 0; i < 40; ++i) EXPECT_EQ(talk().first, "127.0.0.1");
}

}  // namespace
}  // namespace tocsin::net
