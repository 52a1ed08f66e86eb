#include "src/column.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "src/codec.hpp"
#include "src/segment.hpp"
#include "steps.hpp"

namespace tocsin::store {
namespace {

std::vector<double> read(const Column& column, std::size_t rows) {
  std::vector<double> out;
  Decoder decoder(column);
  while (out.size() < rows) {
    const auto run = decoder.next();
    for (std::uint32_t i = 0; i < run.length && out.size() < rows; ++i) out.push_back(std::bit_cast<double>(run.bits));
  }
  return out;
}

TEST(Column, IsShorterWhereNumbersGoOnAlike) {
  std::mt19937_64 random(3);
  const auto noise = [&random](std::uint64_t range) { return static_cast<double>(random() % range); };
  struct Case {
    std::string what;
    double (*next)(double before, double noise);
    std::uint64_t range;
    std::size_t most;  // bytes of 24 rows
  };
  const std::vector<Case> cases{
      {"a counter that goes up by much the same", [](double v, double n) { return v + 495 + n; }, 10, 24},
      {"bytes sent", [](double v, double n) { return v + 3'600'000 + n; }, 4096, 50},
      {"seconds of processor time", [](double v, double n) { return (std::round(v * 1e6) + 50'000 + n) / 1e6; }, 9000,
       52},
      {"how long it took", [](double, double n) { return (2e6 + n) / 1e9; }, 400'000, 70},
      {"a gauge", [](double, double n) { return 1e6 + n; }, 1000, 40},
      {"an uptime", [](double v, double) { return v + 5; }, 1, 10},
  };
  for (const auto& c : cases) {
    std::vector<double> values{54'321};
    while (values.size() < 24) values.push_back(c.next(values.back(), noise(c.range)));
    values.erase(values.begin());
    const auto column = column_of(values);
    ASSERT_FALSE(column.empty()) << c.what;
    EXPECT_LE(column.size(), c.most) << c.what;
    EXPECT_LT(column.size(), steps_of(values).size()) << c.what;
    EXPECT_EQ(read(column, values.size()), values) << c.what;
  }
}

TEST(Column, SaysWhatTheStepsSay) {
  std::mt19937_64 random(7);
  std::size_t written = 0;
  for (int round = 0; round < 20'000; ++round) {
    const double scale = std::pow(10.0, static_cast<double>(random() % 11));
    const auto spread = std::uint64_t{1} << (random() % 34);
    const auto range = std::uint64_t{1} << (1 + random() % 52);
    const bool rises = random() % 2 == 0;
    std::vector<double> values;
    std::int64_t integer = static_cast<std::int64_t>(random() % range) - static_cast<std::int64_t>(range / 2);
    for (auto rows = 1 + random() % 64; rows > 0; --rows) {
      const auto d = static_cast<std::int64_t>(random() % spread);
      integer = rises ? integer + d : integer - d / 2;
      values.push_back(static_cast<double>(integer) / scale);
    }
    const auto column = column_of(values);
    if (column.empty()) continue;
    ++written;
    ASSERT_EQ(read(column, values.size()), values) << round;
    const auto rows = static_cast<std::uint32_t>(values.size());
    for (std::uint32_t row = 0; row < rows; ++row) {
      ASSERT_EQ(std::bit_cast<double>(decode_one(column, row)), values[row]);
      const auto found = examine(column, row + 1);
      ASSERT_TRUE(found) << round;
      ASSERT_EQ(found->samples, row + 1);
      ASSERT_EQ(found->last_row, row);
      ASSERT_EQ(std::bit_cast<double>(found->last), values[row]);
    }
  }
  EXPECT_GT(written, 8'000U);
}

TEST(Column, IsNotTriedWhereItCannotBe) {
  std::vector<double> values;
  for (int i = 0; i < 24; ++i) values.push_back(1000.0 * i * i);
  ASSERT_FALSE(column_of(values).empty());
  auto ended = values;
  ended[7] = std::bit_cast<double>(core::stale_bits);
  EXPECT_TRUE(column_of(ended).empty()) << "a row has no value";
  auto broken = values;
  broken[7] = 1.0 / 3;
  EXPECT_TRUE(column_of(broken).empty()) << "no decimal";
  auto minus = values;
  minus[7] = -0.0;
  EXPECT_TRUE(column_of(minus).empty()) << "minus zero is no integer";
  auto jump = values;
  jump[7] = 9e15;
  EXPECT_TRUE(column_of(jump).empty()) << "too wide";
  EXPECT_TRUE(column_of(std::vector<double>(24, 7)).empty()) << "a run is shorter";
}

// What comes from a disk may be anything; what is accepted is read within its bytes.
TEST(Column, ExamineRefusesWhatCannotBeRead) {
  std::vector<double> values;
  for (int i = 0; i < 24; ++i) values.push_back(1000.0 * i * i + i % 3);
  auto column = column_of(values);
  ASSERT_TRUE(examine(column, 24));
  for (std::size_t size = 3; size < column.size(); ++size) {
    EXPECT_FALSE(examine(std::span(column).first(size), 24)) << size << " bytes of it";
  }
  column.push_back(0);
  EXPECT_FALSE(examine(column, 24)) << "a byte more";
  std::mt19937 random(5);
  std::size_t accepted = 0;
  for (int round = 0; round < 200'000; ++round) {
    Column bytes(3 + random() % 24);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    bytes[0] = column_step;
    bytes[1] |= column_mark;
    const auto found = examine(bytes, 64);
    if (!found) continue;
    ++accepted;
    ASSERT_EQ(found->samples, 64U);
    ASSERT_EQ(std::bit_cast<std::uint64_t>(read(bytes, 64).back()), found->last);
  }
  EXPECT_GT(accepted, 500U);
}

}  // namespace
}  // namespace tocsin::store
