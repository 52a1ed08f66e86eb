#include "tocsin/net/websocket_key.hpp"

#include <gtest/gtest.h>

namespace tocsin::net {
namespace {

TEST(WebsocketKey, AcceptsAsTheStandardShows) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebsocketKey, IsSixteenBytesOfChance) {
  const auto key = websocket_key();
  EXPECT_EQ(key.size(), 24U);
  EXPECT_TRUE(key.ends_with("=="));
  EXPECT_NE(key, websocket_key());
}

}  // namespace
}  // namespace tocsin::net
