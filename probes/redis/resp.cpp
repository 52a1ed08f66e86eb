#include "redis/resp.hpp"

#include <hiredis/hiredis.h>
#include <strings.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <new>
#include <stdexcept>

#include "redis/number.hpp"

namespace tocsin::probes::redis {
namespace {

constexpr std::size_t most_items = 65'536;

core::Failure garbage(std::string_view why) {
  std::string detail = "not a Redis reply: ";
  for (const char c : why.substr(0, 100)) detail += std::isprint(static_cast<unsigned char>(c)) != 0 ? c : '?';
  return {core::Outcome::protocol, core::Phase::parse, std::move(detail)};
}

}  // namespace

void append_command(std::string& out, std::span<const std::string_view> words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const auto word : words) {
    texts.push_back(word.data() != nullptr ? word.data() : "");
    sizes.push_back(word.size());
  }
  char* command = nullptr;
  const int size = ::redisFormatCommandArgv(&command, static_cast<int>(words.size()), texts.data(), sizes.data());
  if (size < 0) throw std::bad_alloc();
  out.append(command, static_cast<std::size_t>(size));
  ::explicit_bzero(command, static_cast<std::size_t>(size));  // it may be an AUTH
  ::redisFreeCommand(command);
}

std::optional<double> Reply::number() const {
  if (kind() == Kind::integer) return static_cast<double>(item_->integer);
  return is_text() ? whole_number(text()) : std::nullopt;
}

Reply Reply::operator[](std::size_t index) const {
  for (const Reply element : *this) {
    if (index-- == 0) return element;
  }
  return {};
}

Reply Reply::get(std::string_view name) const {
  bool found = false;
  bool is_name = true;
  for (const Reply element : *this) {
    if (found) return element;
    found = is_name && element.is_text() && element.text() == name;
    is_name = !is_name;
  }
  return {};
}

/// hiredis calls these as it reads. They are called from C: no exception may leave them.
struct ReplyReader::Callbacks {
  static ReplyReader& self(const redisReadTask* task) { return *static_cast<ReplyReader*>(task->privdata); }

  static void* add(const redisReadTask* task, Reply::Kind kind, std::string_view text, std::uint32_t elements = 0,
                   std::int64_t integer = 0) noexcept {
    ReplyReader& reader = self(task);
    if (reader.parts_.size() >= most_items ||
        text.size() > reader.max_reply_ - std::min(reader.max_reply_, reader.texts_.size())) {
      reader.overflow_ = true;
      return nullptr;
    }
    try {
      reader.parts_.push_back({kind, elements, reader.texts_.size(), text.size(), integer});
      reader.texts_.append(text);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    return &reader;  // anything but null
  }
  static void* text(const redisReadTask* task, char* bytes, std::size_t size) {
    const auto kind = task->type == REDIS_REPLY_ERROR    ? Reply::Kind::error
                      : task->type == REDIS_REPLY_STATUS ? Reply::Kind::status
                                                         : Reply::Kind::text;
    return add(task, kind, {bytes, size});
  }
  static void* list(const redisReadTask* task, int elements) {
    if (elements > static_cast<int>(most_items)) {
      self(task).overflow_ = true;
      return nullptr;
    }
    return add(task, Reply::Kind::list, {}, static_cast<std::uint32_t>(std::max(elements, 0)));
  }
  static void* integer(const redisReadTask* task, long long value) {
    return add(task, Reply::Kind::integer, {}, 0, value);
  }
  static void* nil(const redisReadTask* task) { return add(task, Reply::Kind::nil, {}); }
  static void release(void* /*item*/) {}

  static redisReader* create() {
    // hiredis wants it changeable, and does not change it.
    static redisReplyObjectFunctions functions{text, list, integer, nil, release};
    return ::redisReaderCreateWithFunctions(&functions);
  }
};

ReplyReader::ReplyReader(std::size_t max_reply)
    : max_reply_(max_reply), reader_(Callbacks::create(), ::redisReaderFree) {
  if (reader_ == nullptr) throw std::bad_alloc();
  reader_->privdata = this;
}

ReplyReader::~ReplyReader() = default;

std::size_t ReplyReader::pending() const { return reader_->len - reader_->pos; }

core::Failure ReplyReader::too_large() const {
  return {core::Outcome::limit, core::Phase::receive, "a reply of more than " + std::to_string(max_reply_) + " bytes"};
}

core::Result<void> ReplyReader::feed(std::string_view bytes) {
  // A complete reply is taken before more is fed, so what is pending is a part of one (with what follows it in one
  // read).
  if (pending() > max_reply_) return too_large();
  if (::redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) return garbage(reader_->errstr);
  return {};
}

core::Result<std::optional<Reply>> ReplyReader::next() {
  if (reader_->ridx < 0) {  // no reply has begun
    parts_.clear();
    texts_.clear();
  }
  void* done = nullptr;
  if (::redisReaderGetReply(reader_.get(), &done) != REDIS_OK) {
    if (overflow_) return too_large();
    return garbage(reader_->errstr);
  }
  if (done == nullptr) {
    if (announces_too_much()) return too_large();
    return std::optional<Reply>();
  }
  return std::optional<Reply>(assemble());
}

/// Whether the text that is coming says that it is longer than may be. hiredis has taken the '$' and waits for the
/// rest.
bool ReplyReader::announces_too_much() const {
  if (reader_->ridx < 0 || reader_->rstack[reader_->ridx].type != REDIS_REPLY_STRING) return false;
  const char* const coming = reader_->buf + reader_->pos;
  std::size_t size = 0;
  const auto error = std::from_chars(coming, coming + pending(), size).ec;
  return error == std::errc::result_out_of_range || size > max_reply_;
}

Reply ReplyReader::assemble() {
  items_.resize(parts_.size());
  // From the end: what is below a list stands behind it, and is counted when the list is reached.
  for (std::size_t i = parts_.size(); i-- > 0;) {
    const Part& part = parts_[i];
    Reply::Item& item = items_[i];
    item = {part.kind, part.elements, 1, part.integer, std::string_view(texts_).substr(part.begin, part.size)};
    for (std::uint32_t element = 0; element < part.elements; ++element) item.tree += items_[i + item.tree].tree;
  }
  return Reply(items_.data());
}

}  // namespace tocsin::probes::redis
