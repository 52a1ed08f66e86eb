// Metrics as text: Prometheus's format (version 0.0.4) and OpenMetrics 1.0, read line by line. Nothing is copied: what
// the reader gives points into the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::core {

enum class TextFormat { prometheus, openmetrics };

/// `application/openmetrics-text` is OpenMetrics; anything else is taken for Prometheus's format.
[[nodiscard]] TextFormat text_format_of(std::string_view content_type);

class TextReader {
 public:
  enum class Item {
    sample,
    type,   // name(), type()
    help,   // name(), text(): still escaped
    end,    // of the text, which was good
    wrong,  // error(), line()
  };
  TextReader(std::string_view text, TextFormat format) : rest_(text), format_(format) {}

  /// The next item. A sample whose series is written exactly as `expected` is recognised without being looked at.
  /// After `end` and `wrong` there is nothing more.
  Item next(std::string_view expected = {});

  // Of the last item.
  /// Name and labels as they are written.
  [[nodiscard]] std::string_view series() const { return series_; }
  [[nodiscard]] double value() const { return value_; }
  /// The sample has a time of its own. (Which one is checked, and not given.)
  [[nodiscard]] bool timed() const { return timed_; }
  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] MetricType type() const { return type_; }
  /// What the samples' names have that OpenMetrics leaves out in the family's: `_total`, `_info`, or nothing.
  [[nodiscard]] std::string_view suffix() const { return suffix_; }
  [[nodiscard]] std::string_view text() const { return text_; }
  /// Of the last item, counted from 1.
  [[nodiscard]] std::size_t line() const { return line_; }
  /// What is wrong with the line. Repeats nothing that stands in it.
  [[nodiscard]] std::string_view error() const { return error_; }

 private:
  Item fail(std::string_view why);
  Item read_sample(std::string_view expected);
  [[nodiscard]] bool is_written(std::string_view expected) const;
  Item read_comment();
  Item read_end();
  bool skip_exemplar();
  bool read_word(std::string_view& word);
  void skip_blanks();
  [[nodiscard]] bool at_line_end() const { return rest_.empty() || rest_.front() == '\n'; }
  void end_line();

  std::string_view rest_;
  TextFormat format_;
  std::size_t line_ = 0;
  bool ended_ = false;
  std::string_view series_, name_, text_, suffix_, error_;
  double value_ = 0;
  bool timed_ = false;
  MetricType type_ = MetricType::unknown;
};

/// Labels, `__name__` among them, of a series as it is written. Failures are Outcome::protocol, or limit where a bound
/// of ours is passed (128 labels).
[[nodiscard]] Result<Labels> parse_series(std::string_view series);
/// A help text with its escapes resolved.
[[nodiscard]] std::string unescape_help(std::string_view text, TextFormat format);
}  // namespace tocsin::core
