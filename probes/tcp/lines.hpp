// What a peer said and what is not read yet, as lines or as bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tocsin::probes::tcp {

class Lines {
 public:
  static constexpr std::size_t longest = 64 * 1024;

  /// Where the next bytes go; `filled` says how many came. Empty when `longest` bytes wait.
  [[nodiscard]] std::span<char> space();
  void filled(std::size_t size) { end_ += size; }

  /// A complete line without its end (LF or CRLF). It is valid until `space` is called.
  [[nodiscard]] std::optional<std::string_view> line();
  /// As `line`, of what stands before the end of the connection: a last line may have no end.
  [[nodiscard]] std::optional<std::string_view> last_line();
  /// That many bytes; nothing while there are fewer.
  [[nodiscard]] std::optional<std::string_view> bytes(std::size_t size);
  /// No more room, and no line in it.
  [[nodiscard]] bool full() const { return end_ - begin_ >= longest; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }

 private:
  [[nodiscard]] std::string_view take(std::size_t size, std::size_t and_drop);

  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t searched_ = 0;  // up to here there is no line end
};

}  // namespace tocsin::probes::tcp
