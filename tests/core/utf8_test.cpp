#include "tocsin/core/utf8.hpp"

#include <gtest/gtest.h>

namespace tocsin::core {
namespace {

TEST(Utf8, ReadsWhatItWrites) {
  for (const std::uint32_t code_point :
       {0U, 0x41U, 0x7fU, 0x80U, 0x7ffU, 0x800U, 0xd7ffU, 0xe000U, 0xffffU, 0x10000U, 0x10ffffU}) {
    std::string text;
    append_utf8(text, code_point);
    const auto read = decode_utf8(text + "x");
    EXPECT_EQ(read.value, code_point);
    EXPECT_EQ(read.length, text.size()) << code_point;
  }
  std::string text;
  append_utf8(text, 0x20ac);
  EXPECT_EQ(text, "\xe2\x82\xac");
}

TEST(Utf8, RefusesTheRest) {
  // Nothing, a lone follower, overlong forms, surrogates, beyond the last, cut off, a follower that is none.
  for (const std::string_view text :
       {"", "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x82", "\xc3", "\xe2\x82x", "\xf0\x9f\x98"}) {
    EXPECT_EQ(decode_utf8(text).length, 0U) << text;
  }
}

}  // namespace
}  // namespace tocsin::core
