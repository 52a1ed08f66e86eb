#include "redis/question.hpp"

#include <algorithm>
#include <utility>

#include "redis/config.hpp"
#include "redis/resp.hpp"

namespace tocsin::probes::redis {
namespace {

struct Words {
  std::string_view command, first, second;
};

constexpr Words words_of[question_count] = {
    {"AUTH", {}, {}},
    {"SELECT", {}, {}},
    {"CONFIG", "GET", config_pattern},
    {"CLUSTER", "INFO", {}},
    {"LATENCY", "LATEST", {}},
    {"LATENCY", "HISTOGRAM", {}},
    {"SLOWLOG", "LEN", {}},
    {"SLOWLOG", "GET", "1"},
    {"COMMANDLOG", "LEN", "slow"},
    {"COMMANDLOG", "LEN", "large-request"},
    {"COMMANDLOG", "LEN", "large-reply"},
    {"SENTINEL", "MASTERS", {}},
    {"SENTINEL", "SENTINELS", {}},
    {"SENTINEL", "SLAVES", {}},
    {"SENTINEL", "CKQUORUM", {}},
    {"INFO", "ALL", {}},
    {"INFO", {}, {}},
};

const Words& words(Question question) { return words_of[static_cast<std::size_t>(question)]; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

}  // namespace

std::string_view to_string(Question question) {
  constexpr std::string_view names[question_count] = {"AUTH",
                                                      "SELECT",
                                                      "CONFIG GET",
                                                      "CLUSTER INFO",
                                                      "LATENCY LATEST",
                                                      "LATENCY HISTOGRAM",
                                                      "SLOWLOG LEN",
                                                      "SLOWLOG GET",
                                                      "COMMANDLOG LEN slow",
                                                      "COMMANDLOG LEN large-request",
                                                      "COMMANDLOG LEN large-reply",
                                                      "SENTINEL MASTERS",
                                                      "SENTINEL SENTINELS",
                                                      "SENTINEL SLAVES",
                                                      "SENTINEL CKQUORUM",
                                                      "INFO",
                                                      "INFO"};
  return names[static_cast<std::size_t>(question)];
}

bool is_asked(Question question, const CommandNames& names) {
  if (names.empty()) return true;
  const auto renamed = names.find(lower(words(question).command));
  return renamed == names.end() || !renamed->second.empty();
}

void append_named(std::string& out, std::vector<std::string_view> words, const CommandNames& names) {
  if (!names.empty()) {
    const auto renamed = names.find(lower(words[0]));
    if (renamed != names.end()) words[0] = renamed->second;
  }
  append_command(out, words);
}

void Questions::add(Asked asked, std::vector<std::string_view> words) {
  std::string request;
  std::size_t size = request_.reveal().size() + 64;
  for (const auto word : words) size += word.size() + 32;
  request.reserve(std::max(size, std::size_t{512}));  // a buffer that grows leaves copies of the password behind
  request += request_.reveal();
  append_named(request, std::move(words), names_);
  request_ = core::Secret(std::move(request));
  list_.push_back(asked);
}

void Questions::auth(const Credentials& credentials) {
  password_ = credentials.password;
  if (credentials.user.empty()) {
    add({Question::auth}, {"AUTH", credentials.password.reveal()});
  } else {
    add({Question::auth}, {"AUTH", credentials.user, credentials.password.reveal()});
  }
}

void Questions::select(unsigned database) {
  const std::string number = std::to_string(database);
  add({Question::select}, {"SELECT", number});
}

void Questions::ask(Question question) {
  const Words& said = words(question);
  std::vector<std::string_view> all{said.command};
  if (!said.first.empty()) all.push_back(said.first);
  if (!said.second.empty()) all.push_back(said.second);
  add({question}, std::move(all));
}

void Questions::ask(Question question, std::string_view primary, std::uint16_t number) {
  const Words& said = words(question);
  add({question, number}, {said.command, said.first, primary});
}

}  // namespace tocsin::probes::redis
