// What the tail of a snapshot says, as it stands on disk.
//
//   manifest   TailHeader, the parts' DiskPart, the words of the hidden series
//   block      BlockHeader, name, DiskSegment of each sealed segment, serials that are not 1 (head, serial), heads that
//              are kept, the blob of the open rows; one frame a block
//   end        how many blocks there are
//
// A segment stands in its own file as SegmentHeader and its blob.
#pragma once

#include <cstdint>
#include <string>

namespace tocsin::store {

struct TailHeader {
  std::int64_t written = 0;
  std::uint32_t parts = 0;
  std::uint32_t hidden_words = 0;
};

struct DiskPart {
  std::uint32_t file = 0;
  std::uint32_t series = 0;
};

struct BlockHeader {
  std::uint64_t uid = 0;
  std::int64_t base = 0;  // of the open rows
  std::uint32_t last_row = 0;
  std::uint32_t open_first = 0;
  std::uint32_t open_rows = 0;
  std::uint32_t heads = 0;
  std::uint32_t name = 0;  // bytes
  std::uint32_t sealed = 0;
  std::uint32_t serials = 0;
  std::uint32_t kept = 0;
};

struct DiskSegment {
  std::uint64_t offset = 0;
  std::uint32_t file = 0;
  std::uint32_t first_row = 0;
  std::uint32_t rows = 0;
  std::uint32_t unused = 0;
};

struct DiskSerial {
  std::uint32_t head = 0;
  std::uint32_t serial = 0;
};

struct SegmentHeader {
  std::uint64_t uid = 0;
  std::int64_t base = 0;
  std::uint32_t first_row = 0;
  std::uint32_t rows = 0;
  std::uint32_t heads = 0;
  std::uint32_t unused = 0;
};

/// Names of files in the folder. Numbers are never used again while the folder lives.
inline constexpr const char* tail_name = "tail";
inline constexpr const char* new_tail_name = "tail.new";
inline constexpr const char* segments_prefix = "segments-";
inline constexpr const char* index_prefix = "index-";
[[nodiscard]] inline std::string file_path(const std::string& folder, const char* name) {
  std::string path = folder;
  path += '/';
  path += name;
  return path;
}
[[nodiscard]] inline std::string file_path(const std::string& folder, const char* prefix, std::uint32_t number) {
  return file_path(folder, prefix) + std::to_string(number);
}

}  // namespace tocsin::store
