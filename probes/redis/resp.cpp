#include "redis/resp.hpp"

#include <hiredis/hiredis.h>
#include <strings.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <new>
#include <stdexcept>

namespace tocsin::probes::redis {
namespace {

constexpr std::size_t most_items = 16'384;

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

/// hiredis calls these as it reads. They are called from C: no exception may leave them.
struct ReplyReader::Callbacks {
  static ReplyReader& self(const redisReadTask* task) { return *static_cast<ReplyReader*>(task->privdata); }

  static void* add(const redisReadTask* task, Reply::Kind kind, std::string_view text) noexcept {
    ReplyReader& reader = self(task);
    if (reader.items_.size() >= most_items ||
        text.size() > reader.max_reply_ - std::min(reader.max_reply_, reader.texts_.size())) {
      reader.overflow_ = true;
      return nullptr;
    }
    try {
      reader.items_.push_back({kind, reader.texts_.size(), text.size()});
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
    return add(task, Reply::Kind::list, {});
  }
  static void* integer(const redisReadTask* task, long long /*value*/) { return add(task, Reply::Kind::integer, {}); }
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
    items_.clear();
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

Reply ReplyReader::assemble() const {
  const auto text = [this](const Item& item) { return std::string_view(texts_).substr(item.begin, item.size); };
  const Item& first = items_.front();
  Reply reply{first.kind, text(first), {}, true};
  for (const Item& item : std::span(items_).subspan(1)) {
    if (item.kind == Reply::Kind::text || item.kind == Reply::Kind::status) {
      reply.elements.push_back(text(item));
    } else {
      reply.plain = false;
    }
  }
  return reply;
}

}  // namespace tocsin::probes::redis
