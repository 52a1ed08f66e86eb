// The shape of a text that comes again and again with other numbers in it. INFO of one server is such a text: once its
// shape is known, reading it is comparing what stands between the numbers, without looking anything up.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tocsin/core/text_pool.hpp"

namespace tocsin::probes::redis {

class Layout {
 public:
  /// Servers of one version have most sections of INFO in common: give their layouts one pool.
  explicit Layout(std::shared_ptr<core::TextPool> texts)
      : texts_(texts ? std::move(texts) : std::make_shared<core::TextPool>()) {}

  /// Reads a text of the recorded shape; `numbers`, which has room for `numbers()` of them, gets its numbers in order.
  /// False if the text is of another shape (`numbers` is then anything).
  [[nodiscard]] bool read(std::string_view text, std::span<double> numbers) const;
  [[nodiscard]] std::size_t numbers() const { return numbers_; }
  [[nodiscard]] bool empty() const { return sections_.empty(); }

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
  /// What follows a piece of text that is always the same.
  enum class Then : std::uint8_t { number, rest_of_line, nothing };
  void piece(std::string_view token, Then then);
  void write(std::string_view literal, Then then);
  void end_section();

  std::shared_ptr<core::TextPool> texts_;  // outlives the sections
  /// Of each: pieces one behind the other, as a packed number (its size times four, plus what follows) and the text.
  std::vector<core::TextPool::Text> sections_;
  std::size_t numbers_ = 0;
  // While recording:
  std::string_view rest_;  // what is not recorded yet
  std::string section_;
};

}  // namespace tocsin::probes::redis
