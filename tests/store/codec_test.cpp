#include "src/codec.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "src/segment.hpp"
#include "steps.hpp"

namespace tocsin::store {
namespace {

using Bits = std::vector<std::uint64_t>;

std::uint64_t bits(double v) { return std::bit_cast<std::uint64_t>(v); }

std::vector<std::uint64_t> decode(const std::vector<std::uint8_t>& steps, std::size_t rows) {
  std::vector<std::uint64_t> out;
  Decoder decoder(steps);
  while (out.size() < rows) {
    const auto run = decoder.next();
    EXPECT_GT(run.length, 0U);
    for (std::uint32_t i = 0; i < run.length && out.size() < rows; ++i) out.push_back(run.bits);
  }
  return out;
}

void expect_examined(const Examined& found, const std::vector<std::uint64_t>& values, std::uint32_t rows) {
  Examined expected;
  for (std::uint32_t row = 0; row < rows; ++row) {
    if (values[row] == core::stale_bits) continue;
    ++expected.samples;
    expected.last_row = row;
    expected.last = values[row];
  }
  ASSERT_EQ(found.samples, expected.samples);
  ASSERT_EQ(found.last_row, expected.last_row);
  ASSERT_EQ(found.last, expected.last);
}

TEST(Codec, WritesStepsOfTheSizeThatTheTablePromises) {
  struct Case {
    double before, value;
    std::size_t size;
  };
  const std::vector<Case> cases = {
      {0, 1, 1},
      {0, -32, 1},
      {0, 31, 1},
      {0, 32, 2},
      {0, -33, 2},
      {0, 8191, 2},
      {0, -8192, 2},
      {0, 8192, 3},
      {0, -8193, 3},
      {0, (1 << 20) - 1, 3},
      {0, 1 << 20, 4},
      {5, -(1 << 20), 4},
      {0, (1 << 27) - 1, 4},
      {0, -(1 << 27), 4},
      {1e9, 1e9 + 7, 1},
      {0, 0.5, 3},
      {0, 1e300, 9},
      {1, core::stale_marker(), 1},
      {core::stale_marker(), 7, 1},
      {0, -0.0, 2},
      {0.016, 0.021, 2},
      {2.17, 2.19, 3},
      {2.17, -0.12, 4},
      {0.056278, 0.057278, 3},
      {0.056278, 0.159764, 4},
      {1.5, 1.658574, 4},
      {core::stale_marker(), 0.007768964, 5},
      {0.001457864, 0.001501375, 4},
      {3, 3.000000001, 2},
      {0.1, 1.0 / 3, 8},
      {1.0 / 3, 0.1, 8},
  };
  for (const auto& c : cases) {
    std::uint8_t out[max_step];
    EXPECT_EQ(encode_step(bits(c.before), bits(c.value), out), c.size) << c.before << " -> " << c.value;
    EXPECT_EQ(decode(steps_of(Bits{bits(c.before), bits(c.value)}), 2), (std::vector{bits(c.before), bits(c.value)}));
  }
}

TEST(Codec, WritesNothingForZeroAndOneStepForAConstant) {
  EXPECT_EQ(steps_of(std::vector<std::uint64_t>(64, 0)).size(), 0U);
  EXPECT_EQ(steps_of(std::vector<std::uint64_t>(64, bits(3))).size(), 1U);
}

TEST(Codec, RunsOfSixtyFourFitOneByte) {
  std::vector<std::uint64_t> values(64, 0);
  values.push_back(bits(1));
  const auto steps = steps_of(values);
  EXPECT_EQ(steps.size(), 2U);
  EXPECT_EQ(decode(steps, 65), values);
}

std::uint64_t odd_value(std::mt19937_64& random) {
  static const std::vector<std::uint64_t> odd = {0,
                                                 bits(-0.0),
                                                 core::stale_bits,
                                                 0x7ff8000000000001ULL,
                                                 0xfff8000000000000ULL,
                                                 0x7ff0000000000001ULL,
                                                 0x7fffffffffffffffULL,
                                                 bits(std::numeric_limits<double>::infinity()),
                                                 bits(-std::numeric_limits<double>::infinity()),
                                                 bits(std::numeric_limits<double>::denorm_min()),
                                                 bits(std::numeric_limits<double>::max()),
                                                 bits(9007199254740991.0),
                                                 bits(9007199254740992.0),
                                                 bits(-9007199254740992.0),
                                                 bits(9223372036854775808.0),
                                                 bits(1e19),
                                                 bits(0.1),
                                                 bits(1.0),
                                                 ~0ULL};
  return odd[random() % odd.size()];
}

// Sequences of every temper come back bit for bit.
TEST(Codec, GivesBackExactlyWhatWasWritten) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20'000; ++round) {
    const auto kind = random() % 7;
    const auto rows = 1 + random() % 64;
    std::vector<std::uint64_t> values;
    double counter = static_cast<double>(random() % (1ULL << (random() % 53)));
    for (std::size_t i = 0; i < rows; ++i) {
      switch (kind) {
        case 0:
          values.push_back(random());
          break;
        case 1:
          values.push_back(odd_value(random));
          break;
        case 2:
          values.push_back(bits(counter += static_cast<double>(random() % 100)));
          break;
        case 3:
          values.push_back(bits(counter -= static_cast<double>(random() % (1ULL << (random() % 40)))));
          break;
        case 4:
          values.push_back(random() % 4 == 0 || values.empty() ? random() : values.back());
          break;
        case 5:
          values.push_back(bits(std::ldexp(static_cast<double>(random() % 1000), -3)));
          break;
        default:
          values.push_back(random() % 3 == 0 ? core::stale_bits : bits(static_cast<double>(random() % 3)));
          break;
      }
    }
    ASSERT_EQ(decode(steps_of(values), rows), values) << "kind " << kind << " round " << round;
    const auto steps = steps_of(values);
    for (std::uint32_t row = 0; row < rows; ++row) ASSERT_EQ(decode_one(steps, row), values[row]);
    for (std::uint32_t some = 1; some <= rows; ++some) {
      const auto found = examine(steps, some);
      ASSERT_TRUE(found);
      expect_examined(*found, values, some);
    }
  }
}

TEST(Codec, TakesDecimalsForWhatTheyAre) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 5'000; ++round) {
    const double scale = std::pow(10.0, static_cast<double>(random() % 11));
    const auto range = std::int64_t{1} << (random() % 50);
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 64; ++i) {
      const auto integer = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(range)) - range / 2;
      values.push_back(random() % 10 == 0 ? core::stale_bits : bits(static_cast<double>(integer) / scale));
    }
    const auto steps = steps_of(values);
    ASSERT_EQ(decode(steps, 64), values);
    for (const std::uint32_t rows : {1U, 13U, 64U}) {
      const auto found = examine(steps, rows);
      ASSERT_TRUE(found);
      expect_examined(*found, values, rows);
    }
  }
}

// What comes from a disk may be anything; what is accepted, the decoder gets through.
TEST(Codec, ExamineRefusesWhatTheDecoderCannotRead) {
  using Steps = std::vector<std::uint8_t>;
  EXPECT_TRUE(examine(Steps{}, 64));
  EXPECT_TRUE(examine(Steps{0x3f}, 64));
  EXPECT_FALSE(examine(Steps{0x3f, 0x00}, 64)) << "65 rows";
  EXPECT_FALSE(examine(Steps{0x80}, 64)) << "a byte is missing";
  EXPECT_FALSE(examine(Steps{0xe0, 0, 0}, 64));
  EXPECT_FALSE(examine(Steps{0xf7, 0, 0, 0, 0, 0, 0, 0}, 64));
  EXPECT_TRUE(examine(Steps{0xf7, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f}, 64));
  EXPECT_FALSE(examine(Steps{0xf7, 1, 2, 3, 4, 5, 6, 7, 8, 0x60}, 64)) << "one more than no integer";
  EXPECT_FALSE(examine(Steps{0xf0}, 64));
  EXPECT_TRUE(examine(Steps{0xf0, 0x00}, 64));
  EXPECT_FALSE(examine(Steps{0xf0, 0x10}, 64)) << "a byte is missing";
  EXPECT_FALSE(examine(Steps{0xf0, 0xc0}, 64)) << "of a column, nothing more is there";
  EXPECT_FALSE(examine(Steps{0xf7, 1, 2, 3, 4, 5, 6, 7, 8, 0xf0, 0x00}, 64)) << "one more than no decimal";
  EXPECT_FALSE(examine(Steps{0xf7, 2, 0, 0, 0, 0, 0, 0xf0, 0x7f}, 64)) << "a marker is written as a marker";
  std::mt19937 random(5);
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    Steps steps(random() % 12);
    for (auto& byte : steps) byte = static_cast<std::uint8_t>(random());
    const auto found = examine(steps, 64);
    if (!found) continue;
    ++accepted;
    expect_examined(*found, decode(steps, 64), 64);
  }
  EXPECT_GT(accepted, 1'000U);
}

TEST(Segment, FindsEachHeadsStepsAndTimes) {
  std::vector<std::uint32_t> offsets = {0, 10, 25, 4'000'000'000U};
  const Times times{1'000, reinterpret_cast<const std::uint8_t*>(offsets.data()), 4};
  std::vector<std::uint16_t> lengths;
  std::vector<std::uint8_t> payload;
  for (std::uint16_t head = 0; head < 100; ++head) {
    lengths.push_back(head % 7);
    payload.insert(payload.end(), head % 7, static_cast<std::uint8_t>(head));
  }
  const Segment segment(12, times, lengths, payload);
  EXPECT_EQ(segment.first(), 1'000);
  EXPECT_EQ(segment.last(), 4'000'001'000);
  EXPECT_EQ(segment.first_row(), 12U);
  EXPECT_FALSE(segment.has(100));
  for (std::uint16_t head = 0; head < 100; ++head) {
    ASSERT_TRUE(segment.has(head));
    ColumnBuffer space;
    const auto steps = segment.steps(head, space);
    EXPECT_EQ(std::vector<std::uint8_t>(steps.begin(), steps.end()),
              std::vector<std::uint8_t>(head % 7, static_cast<std::uint8_t>(head)));
  }
  EXPECT_EQ(segment.times().until(999), 0U);
  EXPECT_EQ(segment.times().until(1'000), 1U);
  EXPECT_EQ(segment.times().until(1'024), 2U);
  EXPECT_EQ(segment.times().until(1'025), 3U);
  EXPECT_EQ(segment.times().until(5'000'000'000), 4U);
}

}  // namespace
}  // namespace tocsin::store
