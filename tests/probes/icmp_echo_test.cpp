// Echo messages as bytes.
#include <gtest/gtest.h>

#include "icmp/echo.hpp"

namespace tocsin::probes::icmp {
namespace {

std::string bytes(std::initializer_list<int> list) {
  std::string text;
  for (const int byte : list) text += static_cast<char>(byte);
  return text;
}

Echo echo(bool v6) {
  Echo made;
  made.v6 = v6;
  made.id = 0x1234;
  made.sequence = 0xfffe;
  return made;
}

TEST(IcmpEcho, WritesRequests) {
  EXPECT_EQ(echo_request(echo(false), "ab"), bytes({8, 0, 0x84, 0x6a, 0x12, 0x34, 0xff, 0xfe}) + "ab");
  EXPECT_EQ(echo_request(echo(true), "ab"), bytes({0x80, 0, 0, 0, 0x12, 0x34, 0xff, 0xfe}) + "ab");
}

TEST(IcmpEcho, SumsAsTheStandardShows) {
  EXPECT_EQ(checksum(bytes({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7})), 0x220d);
  EXPECT_EQ(checksum(""), 0xffff);
  EXPECT_EQ(checksum(bytes({0x01})), 0xfeff);
  for (const std::string payload : {"", "a", "abc", "some more"}) {
    EXPECT_EQ(checksum(echo_request(echo(false), payload)), 0) << payload;
  }
}

TEST(IcmpEcho, KnowsItsReply) {
  for (const bool v6 : {false, true}) {
    const std::string request = echo_request(echo(v6), "payload");
    std::string reply = request;
    reply[0] = v6 ? '\x81' : '\0';
    EXPECT_TRUE(is_reply(reply, request, v6, true));
    EXPECT_FALSE(is_reply(reply, request, !v6, true)) << "of the other IP version";
    EXPECT_FALSE(is_reply(request, request, v6, true)) << "a raw socket on loopback hears the request too";
    for (std::size_t i = 0; i < reply.size(); ++i) {
      std::string other = reply;
      other[i] = static_cast<char>(other[i] + 1);
      const bool sum = i == 2 || i == 3;
      const bool id = i == 4 || i == 5;
      EXPECT_EQ(is_reply(other, request, v6, true), sum) << i;
      EXPECT_EQ(is_reply(other, request, v6, false), sum || id) << i;
    }
    EXPECT_FALSE(is_reply(reply.substr(1), request, v6, true));
    EXPECT_FALSE(is_reply(reply + "x", request, v6, true));
    EXPECT_FALSE(is_reply("", "", v6, false));
  }
}

}  // namespace
}  // namespace tocsin::probes::icmp
