#include "src/resident.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace tocsin::daemon {
namespace {

std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// The word at the front, which goes, with the spaces before and behind it.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return word;
}

/// `55d0c8a00000-55d0c8a2c000`.
std::optional<Mapping> read_range(std::string_view word) {
  const char* const end = word.data() + word.size();
  Mapping mapping;
  const auto first = std::from_chars(word.data(), end, mapping.begin, 16);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return std::nullopt;
  const auto last = std::from_chars(first.ptr + 1, end, mapping.end, 16);
  if (last.ec != std::errc() || last.ptr != end) return std::nullopt;
  return mapping;
}

/// `BEGIN-END PERMISSIONS OFFSET DEVICE INODE FILE`: nothing where it can be written or is of no file.
std::optional<Mapping> read_header(std::string_view line) {
  auto mapping = read_range(next_word(line));
  const std::string_view permissions = next_word(line);
  for (int skipped = 0; skipped < 3; ++skipped) static_cast<void>(next_word(line));
  const bool fixed = permissions.size() == 4 && permissions[1] == '-' && permissions[3] == 'p';
  if (!fixed || !line.starts_with('/')) return std::nullopt;
  return mapping;
}

}  // namespace

std::vector<Mapping> clean_mappings(std::string_view smaps) {
  std::vector<Mapping> clean;
  std::optional<Mapping> current;
  while (!smaps.empty()) {
    std::string_view line = next_line(smaps);
    if (const std::string_view copy = line; read_range(copy.substr(0, copy.find(' ')))) {
      current = read_header(line);
    } else if (next_word(line) == "Anonymous:" && current) {
      if (next_word(line) == "0") clean.push_back(*current);
      current.reset();
    }
  }
  return clean;
}

void let_go_of_start() {
  std::ifstream file("/proc/self/smaps");
  const std::string smaps{std::istreambuf_iterator<char>(file), {}};
  for (const Mapping& mapping : clean_mappings(smaps)) {
    // An address is a number here; and where the system will not, nothing is lost.
    ::madvise(reinterpret_cast<void*>(mapping.begin), mapping.end - mapping.begin, MADV_DONTNEED);  // NOLINT
  }
}

}  // namespace tocsin::daemon
