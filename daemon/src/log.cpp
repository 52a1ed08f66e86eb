#include "src/log.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <stdexcept>
#include <vector>

#include "tocsin/core/duration.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};
constexpr std::array<int, 4> priorities{7, 6, 4, 3};  // syslog's

bool needs_quotes(std::string_view value) {
  return value.empty() || std::any_of(value.begin(), value.end(), [](char c) {
           return c == ' ' || c == '"' || c == '=' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
         });
}

void append_value(std::string& out, std::string_view value) {
  if (!needs_quotes(value)) {
    out += value;
    return;
  }
  out += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string now_text() {
  using namespace std::chrono;
  return core::format_rfc3339(time_point_cast<milliseconds>(system_clock::now()));
}

void write_journal(Level level, std::string_view message, std::span<const Field> fields) {
  std::vector<std::string> lines;
  lines.reserve(fields.size() + 3);
  lines.push_back("MESSAGE=" + std::string(message));
  for (const Field& field : fields) {
    // The message alone must tell the story too: people read `journalctl -u tocsin`.
    lines.front() += ' ';
    lines.front() += field.key;
    lines.front() += '=';
    append_value(lines.front(), field.value);
    std::string name = "TOCSIN_" + std::string(field.key);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::isalnum(c) != 0 ? std::toupper(c) : '_'); });
    lines.push_back(name + "=" + field.value);
  }
  lines.push_back(fmt::format("PRIORITY={}", priorities[static_cast<std::size_t>(level)]));
  lines.emplace_back("SYSLOG_IDENTIFIER=tocsin");
  std::vector<iovec> parts;
  parts.reserve(lines.size());
  for (std::string& line : lines) parts.push_back({line.data(), line.size()});
  ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

/// $JOURNAL_STREAM is "device:inode" of the stream; it may have been inherited by something whose stderr is another
/// file.
bool stderr_is_journal(std::string_view journal_stream) {
  if (journal_stream.empty()) return false;
  struct stat s {};
  if (::fstat(STDERR_FILENO, &s) != 0) return false;
  return journal_stream == fmt::format("{}:{}", s.st_dev, s.st_ino);
}

}  // namespace

std::string_view to_string(Level level) { return level_names[static_cast<std::size_t>(level)]; }

Level parse_level(std::string_view name) {
  for (std::size_t i = 0; i < level_names.size(); ++i) {
    if (level_names[i] == name) return static_cast<Level>(i);
  }
  throw std::invalid_argument(fmt::format("no log level is called '{}' (debug, info, warning, error)", name));
}

std::string logfmt(std::string_view time, Level level, std::string_view message, std::span<const Field> fields) {
  std::string line = fmt::format("time={} level={} msg=", time, to_string(level));
  append_value(line, message);
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  line += '\n';
  return line;
}

LogSink stderr_sink() {
  return [](Level level, std::string_view message, std::span<const Field> fields) {
    const std::string line = logfmt(now_text(), level, message, fields);
    // One write keeps lines of several threads apart; a log that cannot be written has nowhere to complain.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  };
}

LogSink standard_sink(std::string_view journal_stream) {
  if (stderr_is_journal(journal_stream)) return write_journal;
  return stderr_sink();
}

}  // namespace tocsin::daemon
