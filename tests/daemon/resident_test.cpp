#include "src/resident.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace tocsin::daemon {
namespace {

using testing::ElementsAre;

std::string entry(const std::string& header, const std::string& anonymous) {
  return header + "\nSize:                 44 kB\nRss:                  40 kB\nAnonymous:           " + anonymous +
         " kB\nVmFlags: rd mr mw me sd\n";
}

TEST(CleanMappings, AreThoseOfFilesThatNobodyWroteTo) {
  const std::string smaps = entry("1000-2000 r--p 00000000 fe:00 1234                       /usr/bin/tocsin", "0") +
                            entry("2000-5000 r-xp 00001000 fe:00 1234                       /usr/bin/tocsin", "0") +
                            entry("5000-6000 r--p 00004000 fe:00 1234                       /usr/bin/tocsin", "8") +
                            entry("6000-7000 rw-p 00005000 fe:00 1234                       /usr/bin/tocsin", "0") +
                            entry("7000-8000 rw-p 00000000 00:00 0                          [heap]", "0") +
                            entry("8000-9000 r--s 00000000 fe:00 99                         /var/cache/shared", "0") +
                            entry("9000-a000 r-xp 00000000 00:00 0                          [vdso]", "0") +
                            entry("a000-b000 r--p 00000000 00:00 0 ", "0") +
                            entry("7ffff000-800000000000 r--p 0001 fe:00 5 /lib/with a space.so (deleted)", "0");
  EXPECT_THAT(clean_mappings(smaps),
              ElementsAre(Mapping{0x1000, 0x2000}, Mapping{0x2000, 0x5000}, Mapping{0x7ffff000, 0x800000000000}));
}

TEST(CleanMappings, OfNonsenseAreNone) {
  EXPECT_THAT(clean_mappings(""), ElementsAre());
  EXPECT_THAT(clean_mappings("no-address r--p 0 0 0 /x\nAnonymous: 0 kB\n"), ElementsAre());
  EXPECT_THAT(clean_mappings("1000-2000\nAnonymous: 0 kB"), ElementsAre());
  EXPECT_THAT(clean_mappings("Anonymous: 0 kB"), ElementsAre());
}

std::size_t file_pages_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssFile:")) return std::strtoull(line.c_str() + 8, nullptr, 10);
  }
  return 0;
}

// That the process runs on, code that is needed comes back: else nobody tells.
TEST(LetGoOfStart, FreesFilePagesAndTheProcessRunsOn) {
  const std::size_t before = file_pages_kib();
  let_go_of_start();
  const std::size_t after = file_pages_kib();
  EXPECT_LT(after, before);
}

}  // namespace
}  // namespace tocsin::daemon
