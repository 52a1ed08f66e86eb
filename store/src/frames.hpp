// Files of frames: a word that tells the format, then frames, each a kind, a size, that many bytes and a checksum.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "src/checksum.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::store {

enum class FrameKind : std::uint32_t { manifest = 1, block = 2, segment = 3, part = 4, end = 5 };

inline constexpr std::uint64_t file_mark = 0x3130736e69636f74ULL;  // "tocins01" where the low byte comes first
inline constexpr std::size_t frame_head = 8;
inline constexpr std::size_t frame_extra = frame_head + 8;  // what a frame takes besides its bytes

/// A file that is being written; it is ours alone (0600). After a failure only `discard` makes sense.
class FrameFile {
 public:
  [[nodiscard]] static core::Result<std::unique_ptr<FrameFile>> create(const std::string& path);
  ~FrameFile();
  FrameFile(const FrameFile&) = delete;
  FrameFile& operator=(const FrameFile&) = delete;

  /// A frame's bytes follow by `add`, exactly as many as were promised; `end` closes it.
  void begin(FrameKind kind, std::uint32_t size);
  void add(std::span<const std::uint8_t> bytes);
  void end();
  void write(FrameKind kind, std::span<const std::uint8_t> bytes);
  /// Where the next frame begins.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// Hands all to the system; `sync` waits until it is on disk.
  [[nodiscard]] core::Result<void> flush();
  [[nodiscard]] core::Result<void> sync();
  /// Cuts off what came after `size`; removes the file if that leaves nothing.
  void discard(std::uint64_t size);
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  FrameFile(std::string path, int descriptor);
  void raw(std::span<const std::uint8_t> bytes);
  void write_out(std::span<const std::uint8_t> bytes);

  static constexpr std::size_t room = 64 * 1024;
  std::string path_;
  int descriptor_;
  int error_ = 0;
  std::uint64_t size_ = 0;
  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t used_ = 0;
  Checksum sum_;
};

struct Frame {
  FrameKind kind{};
  std::span<const std::uint8_t> bytes;
};

/// A whole file in memory; nothing if there is no such file.
struct FileBytes {
  std::unique_ptr<std::uint8_t[]> data;
  std::size_t size = 0;
  [[nodiscard]] std::span<const std::uint8_t> all() const { return {data.get(), size}; }
};
[[nodiscard]] core::Result<std::optional<FileBytes>> read_file(const std::string& path);
/// The file begins as ours do.
[[nodiscard]] bool has_mark(std::span<const std::uint8_t> file);
/// The frame at `offset`, if it is whole and its checksum right. `next` becomes where the frame after it would begin,
/// 0 if that cannot be told.
[[nodiscard]] std::optional<Frame> frame_at(std::span<const std::uint8_t> file, std::uint64_t offset,
                                            std::uint64_t* next = nullptr);

}  // namespace tocsin::store
