#include "websocket/frame.hpp"

#include "src/dialog.hpp"

namespace tocsin::probes::websocket {

using core::Failure;
using core::Outcome;
using core::Phase;

namespace {

constexpr std::size_t max_control = 125;

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

Failure broken(std::string what) { return {Outcome::protocol, Phase::receive, "the service sent " + std::move(what)}; }

bool is_control(Opcode opcode) { return opcode >= Opcode::close; }

}  // namespace

std::string write_frame(Opcode opcode, std::string_view payload, std::array<char, 4> mask) {
  std::string frame;
  frame.reserve(payload.size() + 14);
  frame += static_cast<char>(0x80U | static_cast<unsigned>(opcode));
  const auto number = [&frame](std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) frame += static_cast<char>(value >> shift & 0xffU);
  };
  if (payload.size() <= max_control) {
    number(0x80U | payload.size(), 1);
  } else if (payload.size() <= 0xffff) {
    number(0x80U | 126U, 1);
    number(payload.size(), 2);
  } else {
    number(0x80U | 127U, 1);
    number(payload.size(), 8);
  }
  frame.append(mask.data(), mask.size());
  for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ mask[i % 4]);
  return frame;
}

core::Result<std::optional<Reader::Head>> Reader::head() const {
  const std::string_view bytes = std::string_view(buffer_).substr(begin_);
  if (bytes.size() < 2) return std::optional<Head>();
  if ((byte_at(bytes, 0) & 0x70U) != 0) return broken("a frame with bits of an extension that was not agreed on");
  if ((byte_at(bytes, 1) & 0x80U) != 0) return broken("a masked frame");
  Head head;
  head.last = (byte_at(bytes, 0) & 0x80U) != 0;
  head.opcode = static_cast<Opcode>(byte_at(bytes, 0) & 0x0fU);
  head.length = byte_at(bytes, 1);
  const std::size_t more = head.length == 126 ? 2 : head.length == 127 ? 8 : 0;
  head.size = 2 + more;
  if (bytes.size() < head.size) return std::optional<Head>();
  if (more > 0) head.length = 0;
  for (std::size_t i = 0; i < more; ++i) head.length = head.length << 8U | byte_at(bytes, 2 + i);
  return std::optional<Head>(head);
}

std::optional<Failure> Reader::check(const Head& head) const {
  switch (head.opcode) {
    case Opcode::text:
    case Opcode::binary:
      if (open_) return broken("a new message in the middle of another");
      break;
    case Opcode::continuation:
      if (!open_) return broken("the continuation of no message");
      break;
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong:
      if (!head.last || head.length > max_control) return broken("a control frame that is too long or in pieces");
      return std::nullopt;
    default:
      return broken("a frame of an unknown kind");
  }
  const std::size_t already = open_ ? open_->payload.size() : 0;
  if (head.length > max_message_ - already) {
    return Failure{Outcome::limit, Phase::receive,
                   "a message is larger than " + std::to_string(max_message_) + " bytes"};
  }
  return std::nullopt;
}

core::Result<std::optional<Message>> Reader::next() {
  while (true) {
    const auto read = head();
    if (!read) return read.error();
    if (!*read) return std::optional<Message>();
    const Head& found = **read;
    if (auto failure = check(found)) return std::move(*failure);
    if (buffer_.size() - begin_ - found.size < found.length) return std::optional<Message>();
    const auto payload = std::string_view(buffer_).substr(begin_ + found.size, static_cast<std::size_t>(found.length));
    Message message;
    const bool whole = is_control(found.opcode) || (found.last && !open_);
    if (whole) {
      message.opcode = found.opcode;
      message.payload = payload;
    } else {
      if (!open_) {
        open_.emplace();
        open_->opcode = found.opcode;
      }
      open_->payload += payload;
    }
    begin_ += found.size + static_cast<std::size_t>(found.length);
    if (begin_ == buffer_.size() || begin_ > 64 * 1024) {
      buffer_.erase(0, begin_);
      begin_ = 0;
    }
    if (whole) return std::optional<Message>(std::move(message));
    if (!found.last) continue;
    message = std::move(*open_);
    open_.reset();
    return std::optional<Message>(std::move(message));
  }
}

std::string close_reason(std::string_view payload) {
  if (payload.size() < 2) return "without a reason";
  const std::string status = std::to_string(byte_at(payload, 0) * 256 + byte_at(payload, 1));
  return "with status " + status + (payload.size() == 2 ? "" : " " + shown(payload.substr(2)));
}

}  // namespace tocsin::probes::websocket
