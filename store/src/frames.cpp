#include "src/frames.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "src/bytes.hpp"

namespace tocsin::store {
namespace {

core::Failure failure(std::string_view what, const std::string& path, int error) {
  std::string detail(what);
  detail += ' ';
  detail += path;
  detail += ": ";
  detail += std::generic_category().message(error);
  return {core::Outcome::internal, core::Phase::none, std::move(detail)};
}

std::uint64_t sum_of(FrameKind kind, std::span<const std::uint8_t> bytes) {
  Checksum sum;
  const auto head = static_cast<std::uint32_t>(kind);
  sum.add(bytes_of(&head, 1));
  sum.add(bytes);
  return sum.value();
}

}  // namespace

core::Result<std::unique_ptr<FrameFile>> FrameFile::create(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return failure("cannot write", path, errno);
  std::unique_ptr<FrameFile> file(new FrameFile(path, descriptor));
  file->raw(bytes_of(&file_mark, 1));
  return file;
}

FrameFile::FrameFile(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor), buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(room)) {}

FrameFile::~FrameFile() { ::close(descriptor_); }

void FrameFile::begin(FrameKind kind, std::uint32_t size) {
  const auto word = static_cast<std::uint32_t>(kind);
  raw(bytes_of(&word, 1));
  raw(bytes_of(&size, 1));
  sum_ = {};
  sum_.add(bytes_of(&word, 1));
}

void FrameFile::add(std::span<const std::uint8_t> bytes) {
  sum_.add(bytes);
  raw(bytes);
}

void FrameFile::end() {
  const auto sum = sum_.value();
  raw(bytes_of(&sum, 1));
}

void FrameFile::write(FrameKind kind, std::span<const std::uint8_t> bytes) {
  begin(kind, static_cast<std::uint32_t>(bytes.size()));
  add(bytes);
  end();
}

void FrameFile::raw(std::span<const std::uint8_t> bytes) {
  size_ += bytes.size();
  if (bytes.empty()) return;
  if (used_ + bytes.size() > room) {
    write_out({buffer_.get(), used_});
    used_ = 0;
    if (bytes.size() >= room) return write_out(bytes);
  }
  std::memcpy(buffer_.get() + used_, bytes.data(), bytes.size());
  used_ += bytes.size();
}

void FrameFile::write_out(std::span<const std::uint8_t> bytes) {
  while (error_ == 0 && !bytes.empty()) {
    const auto written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
}

core::Result<void> FrameFile::flush() {
  write_out({buffer_.get(), used_});
  used_ = 0;
  if (error_ != 0) return failure("cannot write", path_, error_);
  return {};
}

core::Result<void> FrameFile::sync() {
  auto flushed = flush();
  if (!flushed) return flushed;
  // Some file systems cannot; then it is as safe as they make it.
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL && errno != ENOTSUP) {
    error_ = errno;
    return failure("cannot write", path_, error_);
  }
  return {};
}

void FrameFile::discard(std::uint64_t size) {
  used_ = 0;
  if (error_ == 0) error_ = ECANCELED;
  if (size <= sizeof file_mark || ::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) ::unlink(path_.c_str());
}

core::Result<std::optional<FileBytes>> read_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) {
    if (errno == ENOENT) return std::optional<FileBytes>{};
    return failure("cannot read", path, errno);
  }
  struct stat info {};
  FileBytes file;
  int error = ::fstat(descriptor, &info) != 0 ? errno : (S_ISREG(info.st_mode) ? 0 : EINVAL);
  if (error == 0) {
    const auto room = static_cast<std::size_t>(info.st_size);
    file.data = std::make_unique_for_overwrite<std::uint8_t[]>(room);
    while (file.size < room) {
      const auto got = ::read(descriptor, file.data.get() + file.size, room - file.size);
      if (got > 0) {
        file.size += static_cast<std::size_t>(got);
      } else if (got == 0 || errno != EINTR) {
        error = got == 0 ? 0 : errno;
        break;
      }
    }
  }
  ::close(descriptor);
  // What could be read before an error may still be of use: every frame is checked.
  if (error != 0 && file.size == 0) return failure("cannot read", path, error);
  return std::optional<FileBytes>(std::move(file));
}

bool has_mark(std::span<const std::uint8_t> file) { return Taker(file).one<std::uint64_t>() == file_mark; }

std::optional<Frame> frame_at(std::span<const std::uint8_t> file, std::uint64_t offset, std::uint64_t* next) {
  if (next != nullptr) *next = 0;
  if (offset > file.size()) return std::nullopt;
  Taker taker(file.subspan(static_cast<std::size_t>(offset)));
  Frame frame;
  frame.kind = static_cast<FrameKind>(taker.one<std::uint32_t>());
  const auto size = taker.one<std::uint32_t>();
  frame.bytes = taker.bytes(size);
  const auto sum = taker.one<std::uint64_t>();
  if (!taker.good()) return std::nullopt;
  if (next != nullptr) *next = offset + frame_extra + size;
  if (sum != sum_of(frame.kind, frame.bytes)) return std::nullopt;
  return frame;
}

}  // namespace tocsin::store
