// RESP2: commands out, replies in. hiredis reads and formats; the bounds are ours.
#pragma once

#include <cstddef>
#include <cstdint>
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

/// One reply, or one item of a list in it. A view: it lives until the reader is asked for the next reply.
class Reply {
 public:
  enum class Kind { status, error, integer, nil, text, list };
  struct Item {
    Kind kind = Kind::nil;
    std::uint32_t elements = 0;  // of a list
    std::uint32_t tree = 1;      // items in all: itself and what is below it; they follow it
    std::int64_t integer = 0;
    std::string_view text;  // of a status, an error or a text
  };

  Reply() = default;  // nil
  explicit Reply(const Item* item) : item_(item) {}

  [[nodiscard]] Kind kind() const { return item_ != nullptr ? item_->kind : Kind::nil; }
  [[nodiscard]] bool is_list() const { return kind() == Kind::list; }
  /// A text or a status.
  [[nodiscard]] bool is_text() const { return kind() == Kind::text || kind() == Kind::status; }
  [[nodiscard]] std::string_view text() const { return item_ != nullptr ? item_->text : std::string_view(); }
  /// An integer, or the number that a text is; nothing otherwise.
  [[nodiscard]] std::optional<double> number() const;

  // Of a list.
  class Iterator {
   public:
    Iterator(const Item* item, std::uint32_t left) : item_(item), left_(left) {}
    Reply operator*() const { return Reply(item_); }
    Iterator& operator++() {
      item_ += item_->tree;
      --left_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    const Item* item_;
    std::uint32_t left_;
  };
  [[nodiscard]] std::size_t size() const { return item_ != nullptr ? item_->elements : 0; }
  [[nodiscard]] Iterator begin() const {
    return {item_ != nullptr ? item_ + 1 : nullptr, static_cast<std::uint32_t>(size())};
  }
  [[nodiscard]] Iterator end() const { return {nullptr, 0}; }
  /// The element of that number; nil beyond the last.
  [[nodiscard]] Reply operator[](std::size_t index) const;
  /// In a list of names and values in turn (what RESP2 has for a map): the value of that name, nil if there is none.
  [[nodiscard]] Reply get(std::string_view name) const;

 private:
  const Item* item_ = nullptr;
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
  struct Part {
    Reply::Kind kind;
    std::uint32_t elements;
    std::size_t begin, size;
    std::int64_t integer;
  };
  [[nodiscard]] core::Failure too_large() const;
  [[nodiscard]] bool announces_too_much() const;
  [[nodiscard]] Reply assemble();

  std::size_t max_reply_;
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
  std::string texts_;
  std::vector<Part> parts_;
  std::vector<Reply::Item> items_;
  bool overflow_ = false;
};

}  // namespace tocsin::probes::redis
