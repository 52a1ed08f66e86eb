// RESP2: commands out, replies in. hiredis reads and formats; the bounds are ours.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/result.hpp"

struct redisReader;

namespace tocsin::probes::redis {

/// Appends one command.
void append_command(std::string& out, std::span<const std::string_view> words);

/// One reply. The texts live until the reader is asked for the next one.
struct Reply {
  enum class Kind { status, error, integer, nil, text, list };
  Kind kind = Kind::nil;
  std::string_view text;                   // of a status, an error or a text
  std::vector<std::string_view> elements;  // of a list: its texts and statuses in order
  bool plain = true;                       // a list of nothing but texts and statuses
};

/// Takes bytes as they come, gives replies as they are complete. A reply that would be longer than `max_reply` bytes is
/// refused when its length is read, not when it has come.
class ReplyReader {
 public:
  explicit ReplyReader(std::size_t max_reply);
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  [[nodiscard]] core::Result<void> feed(std::string_view bytes);
  /// The next reply, nothing if it is not complete. Failures are Outcome::protocol and Outcome::limit; the connection
  /// is of no use after one.
  [[nodiscard]] core::Result<std::optional<Reply>> next();
  /// Bytes that no reply has taken yet.
  [[nodiscard]] std::size_t pending() const;

 private:
  struct Callbacks;
  struct Item {
    Reply::Kind kind;
    std::size_t begin, size;
  };
  [[nodiscard]] core::Failure too_large() const;
  [[nodiscard]] bool announces_too_much() const;
  [[nodiscard]] Reply assemble() const;

  std::size_t max_reply_;
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
  std::string texts_;
  std::vector<Item> items_;
  bool overflow_ = false;
};

}  // namespace tocsin::probes::redis
