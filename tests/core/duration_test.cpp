#include "tocsin/core/duration.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tocsin::core {
namespace {

constexpr std::int64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour, week = 7 * day,
                       year = 365 * day;

TEST(Duration, IsReadAsPrometheusReadsIt) {
  const std::pair<const char*, std::int64_t> good[] = {
      {"0", 0},
      {"0s", 0},
      {"0ms", 0},
      {"1ms", 1},
      {"5s", 5 * second},
      {"1m", minute},
      {"1h", hour},
      {"1d", day},
      {"1w", week},
      {"1y", year},
      {"1h30m", hour + 30 * minute},
      {"324ms", 324},
      {"3s5ms", 3 * second + 5},
      {"10d4h", 10 * day + 4 * hour},
      {"1y2w3d4h5m6s7ms", year + 2 * week + 3 * day + 4 * hour + 5 * minute + 6 * second + 7},
      {"90m", 90 * minute},
      {"007s", 7 * second},
      {"292y", 292 * year},
      {"9223372036854ms", 9223372036854}};
  for (const auto& [text, ms] : good) EXPECT_EQ(parse_duration(text), Duration{ms}) << text;
  for (const char* text : {"",
                           "1",
                           "1.5h",
                           "-1m",
                           "+1m",
                           "1s1m",
                           "1m1m",
                           "1ms1s",
                           "s",
                           "1 m",
                           "1h 30m",
                           " 1m",
                           "1m ",
                           "1M",
                           "1min",
                           "1us",
                           "293y",
                           "300y",
                           "9223372036855ms",
                           "99999999999999999999s",
                           "99999999999999999y",
                           "1d2",
                           "0h0",
                           "00",
                           "1h-5m",
                           "d1",
                           "1\n"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Duration, IsPrintedAsPrometheusPrintsIt) {
  const std::pair<std::int64_t, const char*> table[] = {
      {0, "0s"},
      {324, "324ms"},
      {3 * second, "3s"},
      {5 * minute, "5m"},
      {hour, "1h"},
      {4 * day, "4d"},
      {4 * day + hour, "4d1h"},
      {14 * day, "2w"},
      {3 * week, "3w"},
      {8 * day, "8d"},
      {10 * year, "10y"},
      {year + day, "366d"},
      {2 * year, "2y"},
      {90 * second, "1m30s"},
      {61001, "1m1s1ms"},
      {-5 * second, "-5s"},
      {std::numeric_limits<std::int64_t>::min(), "-106751991167d7h12m55s808ms"}};
  for (const auto& [ms, text] : table) EXPECT_EQ(format_duration(Duration{ms}), text);
}

TEST(Duration, WhatIsPrintedIsReadBack) {
  std::uint64_t x = 88172645463325252ULL;
  for (int i = 0; i < 2000; ++i) {
    x ^= x << 13U;
    x ^= x >> 7U;
    x ^= x << 17U;
    const Duration d{static_cast<std::int64_t>(x % 9223372036854ULL) >> (x % 40)};
    EXPECT_EQ(parse_duration(format_duration(d)), d) << format_duration(d);
  }
}

TEST(Bytes, AreRead) {
  const std::pair<const char*, std::uint64_t> good[] = {{"0", 0},
                                                        {"1024", 1024},
                                                        {"1024B", 1024},
                                                        {"1KiB", 1024},
                                                        {"1K", 1024},
                                                        {"1kB", 1000},
                                                        {"1KB", 1000},
                                                        {"256MiB", 256ULL << 20U},
                                                        {"256 MiB", 256ULL << 20U},
                                                        {"1.5GB", 1'500'000'000},
                                                        {"1.5GiB", 1610612736},
                                                        {"2G", 2ULL << 30U},
                                                        {"1T", 1ULL << 40U},
                                                        {"1TiB", 1ULL << 40U},
                                                        {"1TB", 1'000'000'000'000},
                                                        {".5KiB", 512}};
  for (const auto& [text, bytes] : good) EXPECT_EQ(parse_bytes(text), bytes) << text;
  for (const char* text : {"", "B", "-1", "-0", "1 2", "1mb", "1MiBs", "ten", "inf", "nan", "1e400", "0x10",
                           "99999999999GiB", " 1", "1PB"}) {
    EXPECT_FALSE(parse_bytes(text)) << text;
  }
}

TEST(Rfc3339, IsWrittenAndRead) {
  EXPECT_EQ(format_rfc3339(from_millis(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(from_millis(1767323045678)), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(format_rfc3339(from_millis(-1)), "1969-12-31T23:59:59.999Z");
  const std::pair<const char*, std::int64_t> good[] = {{"1970-01-01T00:00:00Z", 0},
                                                       {"2026-01-02T03:04:05.678Z", 1767323045678},
                                                       {"2026-01-02t03:04:05.678z", 1767323045678},
                                                       {"2026-01-02T03:04:05.678912345Z", 1767323045678},
                                                       {"2026-01-02T05:04:05.678+02:00", 1767323045678},
                                                       {"2026-01-01T21:34:05.6-05:30", 1767323045600},
                                                       {"2024-02-29T00:00:00Z", 1709164800000},
                                                       {"0001-01-01T00:00:00Z", -62135596800000}};
  for (const auto& [text, ms] : good) {
    const auto time = parse_rfc3339(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(to_millis(*time), ms) << text;
  }
  for (const char* text :
       {"", "2026-01-02", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "2026-02-30T03:04:05Z",
        "2026-01-02T24:04:05Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:61Z", "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05+2:00", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+02:60", "2026-01-02T03:04:05ZZ",
        "20x6-01-02T03:04:05Z", "2026-01-02T-3:04:05Z", "2026-01-02T03:04:05+02-00"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Value, IsPrintedShortest) {
  const std::pair<double, const char*> table[] = {{0, "0"},
                                                  {-0.0, "-0"},
                                                  {1, "1"},
                                                  {-1.5, "-1.5"},
                                                  {0.1, "0.1"},
                                                  {0.30000000000000004, "0.30000000000000004"},
                                                  {1e6, "1000000"},
                                                  {1e20, "100000000000000000000"},
                                                  {1e21, "1e+21"},
                                                  {1e-6, "0.000001"},
                                                  {1e-7, "1e-07"},
                                                  {1.5e300, "1.5e+300"},
                                                  {std::numeric_limits<double>::infinity(), "+Inf"},
                                                  {-std::numeric_limits<double>::infinity(), "-Inf"},
                                                  {std::nan(""), "NaN"},
                                                  {std::numeric_limits<double>::denorm_min(), "5e-324"},
                                                  {std::numeric_limits<double>::max(), "1.7976931348623157e+308"}};
  for (const auto& [value, text] : table) EXPECT_EQ(format_value(value), text);
}

}  // namespace
}  // namespace tocsin::core
