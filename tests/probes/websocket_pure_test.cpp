// Frames and the upgrade, without a socket.
#include <gtest/gtest.h>

#include "tocsin/net/websocket_key.hpp"
#include "websocket/frame.hpp"
#include "websocket/upgrade.hpp"

namespace tocsin::probes::websocket {
namespace {

using core::Outcome;

std::string bytes(std::initializer_list<int> list) {
  std::string text;
  for (const int byte : list) text += static_cast<char>(byte);
  return text;
}

/// A frame as services send it, without a mask; `first`: FIN, RSV and opcode.
std::string frame(int first, const std::string& payload) {
  std::string text = bytes({first});
  if (payload.size() <= 125) {
    text += static_cast<char>(payload.size());
  } else if (payload.size() <= 0xffff) {
    text += bytes({126, static_cast<int>(payload.size() >> 8U), static_cast<int>(payload.size() & 255U)});
  } else {
    text += bytes({127, 0, 0, 0, 0, 0, static_cast<int>(payload.size() >> 16U),
                   static_cast<int>(payload.size() >> 8U & 255U), static_cast<int>(payload.size() & 255U)});
  }
  return text + payload;
}

TEST(WebsocketFrame, WritesAsTheStandardShows) {
  const std::array<char, 4> mask{'\x37', '\xfa', '\x21', '\x3d'};
  EXPECT_EQ(write_frame(Opcode::text, "Hello", mask),
            bytes({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}));
  EXPECT_EQ(write_frame(Opcode::binary, std::string(126, 'x'), {}).substr(0, 4), bytes({0x82, 0xfe, 0, 126}));
  EXPECT_EQ(write_frame(Opcode::text, std::string(65'536, 'x'), {}).substr(0, 10),
            bytes({0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(write_frame(Opcode::close, "", {}), bytes({0x88, 0x80, 0, 0, 0, 0}));
}

TEST(WebsocketReader, ReadsMessagesOfEachLength) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U}) {
    Reader reader(100'000);
    const std::string whole = frame(0x81, std::string(size, 'x')) + frame(0x82, "next");
    // Byte by byte for the head, then the rest.
    for (std::size_t i = 0; i < 10 && i < whole.size() - 6; ++i) {
      reader.add(whole.substr(i, 1));
      if (i + 1 < whole.size() - 6) {
        ASSERT_FALSE(reader.next().value()) << i;
      }
    }
    reader.add(whole.substr(std::min<std::size_t>(10, whole.size() - 6)));
    auto message = reader.next().value();
    ASSERT_TRUE(message) << size;
    EXPECT_EQ(message->opcode, Opcode::text);
    EXPECT_EQ(message->payload.size(), size);
    message = reader.next().value();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->opcode, Opcode::binary);
    EXPECT_EQ(message->payload, "next");
    EXPECT_FALSE(reader.next().value());
  }
}

TEST(WebsocketReader, PutsFragmentsTogether) {
  Reader reader(100);
  reader.add(frame(0x01, "one ") + frame(0x89, "ping") + frame(0x00, "two ") + frame(0x8a, "") + frame(0x80, "three"));
  auto message = reader.next().value();
  EXPECT_EQ(message->opcode, Opcode::ping);
  EXPECT_EQ(message->payload, "ping");
  EXPECT_EQ(reader.next().value()->opcode, Opcode::pong);
  message = reader.next().value();
  EXPECT_EQ(message->opcode, Opcode::text);
  EXPECT_EQ(message->payload, "one two three");
}

struct Broken {
  const char* name;
  std::string text;
  Outcome outcome = Outcome::protocol;
};
void PrintTo(const Broken& broken, std::ostream* out) { *out << broken.name; }
class WebsocketReaderRefuses : public testing::TestWithParam<Broken> {};

TEST_P(WebsocketReaderRefuses, WhatNoServiceMaySend) {
  Reader reader(100);
  reader.add(GetParam().text);
  const auto message = reader.next();
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().outcome, GetParam().outcome) << message.error().detail;
}

INSTANTIATE_TEST_SUITE_P(
    All, WebsocketReaderRefuses,
    testing::Values(
        Broken{"masked", bytes({0x81, 0x81, 0, 0, 0, 0, 'x'})}, Broken{"extension", frame(0xc1, "x")},
        Broken{"unknown_kind", frame(0x83, "x")}, Broken{"unknown_control", frame(0x8b, "x")},
        Broken{"long_control", frame(0x89, std::string(126, 'x'))}, Broken{"control_in_pieces", frame(0x09, "x")},
        Broken{"continues_nothing", frame(0x80, "x")},
        Broken{"second_message_in_first", frame(0x01, "x") + frame(0x81, "y")},
        Broken{"too_large", bytes({0x81, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), Outcome::limit},
        Broken{"larger_than_all", bytes({0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), Outcome::limit},
        Broken{"too_large_together", frame(0x01, std::string(60, 'x')) + frame(0x80, std::string(41, 'x')),
               Outcome::limit}),
    [](const auto& broken) { return std::string(broken.param.name); });

TEST(WebsocketClose, SaysWhy) {
  EXPECT_EQ(close_reason(""), "without a reason");
  EXPECT_EQ(close_reason(bytes({0x03, 0xe9})), "with status 1001");
  EXPECT_EQ(close_reason(bytes({0x03, 0xf0}) + "go\naway"), "with status 1008 \"go?away\"");
}

WebsocketOptions options(std::vector<std::string> subprotocols = {}) {
  WebsocketOptions made;
  made.url = net::parse_url("ws://example.test:8080/chat?room=1").value();
  made.subprotocols = std::move(subprotocols);
  return made;
}

TEST(WebsocketUpgrade, Asks) {
  auto wanted = options({"mqtt", "stomp"});
  wanted.headers.push_back({"Origin", {core::Secret("https://example.test"), {}}});
  wanted.user = "me";
  wanted.password.value = core::Secret("secret");
  const auto request = upgrade_request(wanted, "KEY").value();
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/chat?room=1");
  const auto header = [&request](std::string_view name) { return std::string(net::header(request.headers, name)); };
  EXPECT_EQ(header("Host"), "example.test:8080");
  EXPECT_EQ(header("Connection"), "Upgrade");
  EXPECT_EQ(header("Upgrade"), "websocket");
  EXPECT_EQ(header("Sec-WebSocket-Key"), "KEY");
  EXPECT_EQ(header("Sec-WebSocket-Version"), "13");
  EXPECT_EQ(header("Sec-WebSocket-Protocol"), "mqtt, stomp");
  EXPECT_EQ(header("Origin"), "https://example.test");
  EXPECT_EQ(header("Authorization"), "Basic bWU6c2VjcmV0");
}

TEST(WebsocketUpgrade, ChecksTheAnswer) {
  net::HttpResponse good;
  good.status = 101;
  good.headers = {{"upgrade", "WebSocket"},
                  {"Connection", "keep-alive, upgrade"},
                  {"Sec-WebSocket-Accept", net::websocket_accept("KEY")}};
  EXPECT_FALSE(check_upgrade(good, "KEY", {}));
  EXPECT_EQ(check_upgrade(good, "OTHER", {})->outcome, Outcome::protocol);
  EXPECT_EQ(check_upgrade(good, "KEY", {"mqtt"})->outcome, Outcome::unexpected);
  auto other = good;
  other.headers.emplace_back("Sec-WebSocket-Protocol", "mqtt");
  EXPECT_FALSE(check_upgrade(other, "KEY", {"stomp", "mqtt"}));
  EXPECT_EQ(check_upgrade(other, "KEY", {"stomp"})->outcome, Outcome::protocol);
  EXPECT_EQ(check_upgrade(other, "KEY", {})->outcome, Outcome::protocol);
  other = good;
  other.headers.emplace_back("Sec-WebSocket-Extensions", "permessage-deflate");
  EXPECT_EQ(check_upgrade(other, "KEY", {})->outcome, Outcome::protocol);
  other = good;
  other.headers[0].second = "h2c";
  EXPECT_EQ(check_upgrade(other, "KEY", {})->outcome, Outcome::protocol);
  for (const auto& [status, outcome] :
       {std::pair(200U, Outcome::unexpected), std::pair(404U, Outcome::unexpected), std::pair(401U, Outcome::auth),
        std::pair(403U, Outcome::auth), std::pair(429U, Outcome::throttled)}) {
    other = good;
    other.status = status;
    EXPECT_EQ(check_upgrade(other, "KEY", {})->outcome, outcome) << status;
  }
}

}  // namespace
}  // namespace tocsin::probes::websocket
