// The shape of a text that comes again and again with other numbers in it. INFO of one server is such a text: once its
// shape is known, reading it is comparing what stands between the numbers, without looking anything up.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::probes::redis {

class Layout {
 public:
  /// Reads a text of the recorded shape; `numbers`, which has room for `numbers()` of them, gets its numbers in order.
  /// False if the text is of another shape (`numbers` is then anything).
  [[nodiscard]] bool read(std::string_view text, std::span<double> numbers) const;
  [[nodiscard]] std::size_t numbers() const { return numbers_; }
  [[nodiscard]] bool empty() const { return pieces_.empty(); }

  // Recording: `begin`, then the numbers and what to skip, in the order of the text, then `end`. The tokens are parts
  // of the text. Everything between them must be the same in every text of this shape.
  void begin(std::string_view text);
  void number(std::string_view token);
  /// From here to the end of the line anything may stand.
  void rest_of_line(std::string_view token);
  void end();
  /// No text is of this shape from now on.
  void clear();

 private:
  struct Piece {
    std::uint32_t literal_end : 31;  // the literal in front of it ends there, in literals_
    std::uint32_t is_number : 1;     // otherwise the rest of the line
  };
  void piece(std::string_view token, bool is_number);

  std::vector<Piece> pieces_;
  std::string literals_;
  std::size_t numbers_ = 0;
  std::string_view rest_;  // while recording: what is not recorded yet
};

}  // namespace tocsin::probes::redis
