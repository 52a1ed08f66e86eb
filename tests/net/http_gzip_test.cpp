#include "src/http_gzip.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tocsin/net/http_encoding.hpp"

namespace tocsin::net {
namespace {

TEST(Gzip, IsReadBackAsItWas) {
  std::mt19937 random(1);
  const auto noise = [&random](std::size_t size) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  };
  std::string lines;
  for (int i = 0; lines.size() < 3'000'000; ++i) {
    lines += "redis_connected_clients{instance=\"10.0.0." + std::to_string(i % 250) + "\"} " + std::to_string(i) + "\n";
  }
  struct Case {
    std::string what;
    std::string text;
    std::size_t most;  // bytes of it compressed
  };
  for (const auto& [what, text, most] :
       {Case{"nothing", "", 64}, Case{"a byte", "x", 64}, Case{"lines", lines, 600'000},
        Case{"what does not shrink", noise(1'000'000), 1'001'000},
        Case{"little that does not shrink", noise(1'100), 1'200}}) {
    const auto small = gzip(text);
    ASSERT_TRUE(small) << what;
    EXPECT_LE(small->size(), most) << what;
    const auto plain = decode(*small, Encoding::gzip, text.size() + 1);
    ASSERT_TRUE(plain) << what << ": " << plain.error().detail;
    EXPECT_EQ(*plain, text) << what;
  }
}

}  // namespace
}  // namespace tocsin::net
