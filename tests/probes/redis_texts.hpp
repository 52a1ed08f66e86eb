// Texts that servers sent, and what was read out of them, for the tests of the Redis probe.
#pragma once

#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "redis/resp.hpp"
#include "support/temp_dir.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::test {

/// A recorded text, with the line ends that Redis sends.
inline std::string redis_text(std::string_view name) {
  const std::string file = read_text(std::filesystem::path(TOCSIN_SOURCE_DIR) / "tests/probes/data/redis" / name);
  std::string text;
  for (const char c : file) {
    if (c == '\n') text += '\r';
    text += c;
  }
  return text;
}

using Values = std::map<std::string, double>;

/// What a batch holds, by the text of its labels.
inline Values values(const core::SeriesTable& table, const core::Batch& batch) {
  Values found;
  for (const auto& row : batch.rows) found[table.labels(row.slot).to_string()] = row.value;
  return found;
}

/// A reply as a server sends it, read.
class ReplyOf {
 public:
  explicit ReplyOf(std::string_view bytes) {
    if (!reader_.feed(bytes)) throw std::runtime_error("not a reply");
    const auto read = reader_.next();
    if (!read || !*read) throw std::runtime_error("not a complete reply");
    reply_ = **read;
  }
  const probes::redis::Reply& operator*() const { return reply_; }

 private:
  probes::redis::ReplyReader reader_{1024 * 1024};
  probes::redis::Reply reply_;
};

/// Writes replies: `list({bulk("a"), integer(1)})`.
inline std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}
inline std::string integer(long long value) { return ":" + std::to_string(value) + "\r\n"; }
inline std::string list(const std::vector<std::string>& items) {
  std::string out = "*" + std::to_string(items.size()) + "\r\n";
  for (const std::string& item : items) out += item;
  return out;
}

}  // namespace tocsin::test
