// Structured log lines: journald fields under systemd, logfmt on standard error elsewhere. Any thread.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tocsin::daemon {

enum class Level { debug, info, warning, error };
[[nodiscard]] std::string_view to_string(Level level);
/// The level of that name; throws std::invalid_argument with the names there are.
[[nodiscard]] Level parse_level(std::string_view name);

/// One key and its value. Under journald the key becomes TOCSIN_<KEY>.
struct Field {
  std::string_view key;
  std::string value;
};

using LogSink = std::function<void(Level, std::string_view message, std::span<const Field> fields)>;

/// `time=... level=info msg="..." key=value`, one line, values quoted where they must be, control characters escaped.
[[nodiscard]] std::string logfmt(std::string_view time, Level level, std::string_view message,
                                 std::span<const Field> fields);
/// Standard error, one write a line.
[[nodiscard]] LogSink stderr_sink();
/// journald's native protocol if standard error is connected to the journal (JOURNAL_STREAM names it), else standard
/// error.
[[nodiscard]] LogSink standard_sink(std::string_view journal_stream);

class Log {
 public:
  Log(Level least, LogSink sink) : least_(least), sink_(std::make_shared<LogSink>(std::move(sink))) {}
  void write(Level level, std::string_view message, std::initializer_list<Field> fields = {}) const {
    if (level >= least_) (*sink_)(level, message, {fields.begin(), fields.size()});
  }
  void debug(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(Level::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(Level::info, message, fields);
  }
  void warning(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(Level::warning, message, fields);
  }
  void error(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(Level::error, message, fields);
  }

 private:
  Level least_;
  std::shared_ptr<const LogSink> sink_;
};

}  // namespace tocsin::daemon
