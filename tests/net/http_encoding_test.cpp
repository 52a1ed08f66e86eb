// Compressed bodies: what is plain again, and what must not become too large.
#include <gtest/gtest.h>
#include <zlib.h>

#include "tocsin/net/http_encoding.hpp"

namespace tocsin::net {
namespace {

using core::Outcome;

std::string deflated(const std::string& text, int window) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  std::string in = text;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// What the brotli encoder made of the texts below; only the decoder is linked.
std::string brotlied(const std::string& text) {
  std::string hex;
  if (text.empty()) hex = "06";
  if (text == "ok") hex = "8b00806f6b03";
  if (text.size() == 26) hex = "1b1900f88d946ede44095286966c2c6f314f24b0e300";
  if (text.size() == 100'000) hex = "5b9f86815fdc606c5ed288034301a0fc0240399dbd07";
  if (text.size() == 64U << 20U) {
    hex =
        "cbffff3ff82700e2b14020f7fe8fffff7ff04f00c4611180eefd1fffffffe09f0088c30200ddfb3ffeffffc13f0110870500baf77ffcff"
        "ff"
        "837f02200e0b0074effff8ffff07ff04401c1600e8defff1ffff0ffe0980382c00d0bdffcbffff3ffc1300715800a07bff07";
  }
  std::string bytes;
  for (std::size_t at = 0; at < hex.size(); at += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
  return bytes;
}

std::string packed(const std::string& text, Encoding encoding) {
  if (encoding == Encoding::gzip) return deflated(text, 31);
  if (encoding == Encoding::deflate) return deflated(text, 15);
  if (encoding == Encoding::identity) return text;
  return brotlied(text);
}

class EncodingTest : public testing::TestWithParam<Encoding> {};
INSTANTIATE_TEST_SUITE_P(All, EncodingTest,
                         testing::Values(Encoding::identity, Encoding::gzip, Encoding::deflate, Encoding::brotli),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST_P(EncodingTest, BecomesPlainUpToItsBound) {
  std::string long_text;
  for (int i = 0; i < 10'000; ++i) long_text += "0123456789";
  for (const std::string& text : {std::string(), std::string("ok"), long_text}) {
    const std::string body = packed(text, GetParam());
    EXPECT_EQ(decode(body, GetParam(), text.size()).value(), text);
    EXPECT_EQ(decode(body, GetParam(), 10'000'000).value(), text);
    if (text.empty()) continue;
    const auto over = decode(body, GetParam(), text.size() - 1);
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().outcome, Outcome::limit);
  }
}

TEST_P(EncodingTest, ABombIsNotUnpacked) {
  const std::string bomb = packed(std::string(std::size_t{64} << 20U, '\0'), GetParam());
  const auto over = decode(bomb, GetParam(), 100'000);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().outcome, Outcome::limit);
}

TEST_P(EncodingTest, WhatIsBrokenIsNamed) {
  if (GetParam() == Encoding::identity) return;
  const std::string body = packed("hello, hello, hello, hello", GetParam());
  for (const std::string& broken : {std::string(), body.substr(0, body.size() / 2), "plain text, " + body}) {
    const auto wrong = decode(broken, GetParam(), 1000);
    ASSERT_FALSE(wrong) << broken;
    EXPECT_EQ(wrong.error().outcome, Outcome::protocol);
    EXPECT_NE(wrong.error().detail.find(to_string(GetParam())), std::string::npos);
  }
}

TEST(Encoding, TakesDeflateWithoutItsHeaderAndGzipInParts) {
  EXPECT_EQ(decode(deflated("bare", -15), Encoding::deflate, 100).value(), "bare");
  EXPECT_EQ(decode(deflated("one ", 31) + deflated("two", 31), Encoding::gzip, 100).value(), "one two");
  EXPECT_EQ(decode(deflated("one ", 31) + deflated("two", 31), Encoding::gzip, 6).error().outcome, Outcome::limit);
}

TEST(Encoding, HasNames) {
  for (const Encoding encoding : {Encoding::identity, Encoding::gzip, Encoding::deflate, Encoding::brotli})
    EXPECT_EQ(parse_encoding(to_string(encoding)), encoding);
  EXPECT_EQ(parse_encoding(""), Encoding::identity);
  EXPECT_EQ(parse_encoding("X-GZip"), Encoding::gzip);
  EXPECT_FALSE(parse_encoding("zstd"));
}

}  // namespace
}  // namespace tocsin::net
