#include "src/words.hpp"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>

#include "tocsin/core/json_path.hpp"
#include "tocsin/core/utf8.hpp"

namespace tocsin::actions {
namespace {

constexpr std::size_t max_line = 200;
constexpr std::size_t searched = 64 * 1024;  // how much of a text is looked at for its first line
constexpr std::size_t least_secret = 4;
constexpr std::size_t most_secrets = 1'000;

std::string printable(std::string_view line) {
  std::string text;
  while (!line.empty()) {
    const core::CodePoint next = core::decode_utf8(line);
    const std::size_t length = std::max<std::size_t>(next.length, 1);
    if (text.size() + length > max_line) return text + "...";
    const bool control = next.value < 0x20 || (next.value >= 0x7f && next.value < 0xa0);
    if (next.length == 0) {
      text += '?';
    } else if (control) {
      text += ' ';
    } else {
      text += line.substr(0, length);
    }
    line.remove_prefix(length);
  }
  return text;
}

void add_one(Secrets& secrets, std::string_view text) {
  const auto same = [text](const core::Secret& secret) { return secret.reveal() == text; };
  if (text.size() < least_secret || secrets.size() >= most_secrets) return;
  if (std::none_of(secrets.begin(), secrets.end(), same)) secrets.emplace_back(std::string(text));
}

std::string hidden(std::string text, const Secrets& secrets) {
  std::vector<std::string_view> longest_first;  // one may be a part of another
  for (const core::Secret& secret : secrets) longest_first.push_back(secret.reveal());
  std::sort(longest_first.begin(), longest_first.end(),
            [](std::string_view a, std::string_view b) { return a.size() > b.size(); });
  for (const std::string_view secret : longest_first) text = core::redact(std::move(text), secret);
  return text;
}

/// The text of a JSON object's message: itself, or the message in it.
const boost::json::string* message_in(const boost::json::value& value) {
  constexpr std::array names{"message", "error", "detail", "title"};
  const boost::json::object* object = value.if_object();
  if (object == nullptr) return nullptr;
  for (const char* name : names) {
    const boost::json::value* found = object->if_contains(name);
    if (found == nullptr) continue;
    if (found->is_string() && !found->get_string().empty()) return &found->get_string();
    if (const boost::json::object* inner = found->if_object()) {
      const boost::json::value* deeper = inner->if_contains("message");
      if (deeper != nullptr && deeper->is_string()) return &deeper->get_string();
    }
  }
  return nullptr;
}

}  // namespace

void add_secret(Secrets& secrets, std::string_view text) {
  add_one(secrets, text);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
    add_one(secrets, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string first_line(std::string_view text, const Secrets& secrets) {
  const std::string clean = hidden(std::string(text.substr(0, searched)), secrets);
  std::string_view rest = clean;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    if (line.find_first_not_of(" \t") != std::string_view::npos) return printable(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

std::string reason_in(std::string_view body, const Secrets& secrets) {
  const std::size_t begin = body.find_first_not_of(" \t\r\n");
  if (begin != std::string_view::npos && body[begin] == '{' && body.size() <= searched) {
    if (const auto document = core::parse_json(body)) {
      const boost::json::string* message = message_in(*document);
      if (message != nullptr) return first_line(std::string_view(message->data(), message->size()), secrets);
    }
  }
  return first_line(body, secrets);
}

}  // namespace tocsin::actions
