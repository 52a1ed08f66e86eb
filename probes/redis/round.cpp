#include "redis/round.hpp"

#include <array>
#include <utility>

namespace tocsin::probes::redis {
namespace {

core::Failure nonsense(Question question) {
  return {core::Outcome::protocol, core::Phase::parse,
          "the answer to " + std::string(to_string(question)) + " is not of the kind that Redis gives"};
}

}  // namespace

Round::Round(std::size_t max_reply) : chunk_(std::make_unique_for_overwrite<char[]>(chunk_size)), reader_(max_reply) {}

void Round::ask(Question question, std::span<const std::string_view> words) {
  std::string request;
  std::size_t size = request_.reveal().size() + 64;
  for (const auto word : words) size += word.size() + 32;
  request.reserve(size);  // a buffer that grows leaves copies of the password behind
  request += request_.reveal();
  append_command(request, words);
  request_ = core::Secret(std::move(request));
  questions_.push_back(question);
}

void Round::auth(const Credentials& credentials) {
  password_ = credentials.password;
  const std::array<std::string_view, 3> words{"AUTH", credentials.user, credentials.password.reveal()};
  const std::array<std::string_view, 2> without_user{words[0], words[2]};
  if (credentials.user.empty()) {
    ask(Question::auth, without_user);
  } else {
    ask(Question::auth, words);
  }
}

void Round::select(unsigned database) {
  const std::string number = std::to_string(database);
  const std::array<std::string_view, 2> words{"SELECT", number};
  ask(Question::select, words);
}

void Round::config(std::string_view pattern) {
  const std::array<std::string_view, 3> words{"CONFIG", "GET", pattern};
  ask(Question::config, words);
}

void Round::cluster() {
  const std::array<std::string_view, 2> words{"CLUSTER", "INFO"};
  ask(Question::cluster, words);
}

void Round::info(bool all) {
  const std::array<std::string_view, 2> words{"INFO", "ALL"};
  ask(Question::info, std::span(words).first(all ? 2 : 1));
}

core::Result<void> Round::take(std::size_t bytes) {
  heard_ = heard_ || bytes > 0;
  if (auto fed = reader_.feed({chunk_.get(), bytes}); !fed) return fed;
  while (!done()) {
    const auto reply = reader_.next();
    if (!reply) return reply.error();
    if (!*reply) return {};
    if (auto answered = answer(questions_[answered_], **reply); !answered) return answered;
    ++answered_;
  }
  if (reader_.pending() == 0) return {};
  return core::Failure{core::Outcome::protocol, core::Phase::parse, "the server says more than it was asked"};
}

core::Result<void> Round::answer(Question question, const Reply& reply) {
  if (reply.kind == Reply::Kind::error) return error(question, reply.text);
  const bool text = reply.kind == Reply::Kind::text || reply.kind == Reply::Kind::status;
  switch (question) {
    case Question::auth:
    case Question::select:
      if (reply.kind == Reply::Kind::status) return {};
      break;
    case Question::config:
      // Some servers have nothing to show, in forms of their own.
      config_.emplace();
      if (reply.kind == Reply::Kind::list && reply.plain) config_->assign(reply.elements.begin(), reply.elements.end());
      return {};
    case Question::cluster:
      if (text) cluster_ = reply.text;
      return {};
    case Question::info:
      if (!text) break;
      info_ = reply.text;
      info_refused_ = info_.empty();
      return {};
  }
  return nonsense(question);
}

core::Result<void> Round::error(Question question, std::string_view text) {
  auto failure = refusal(question, text, password_.reveal());
  const bool optional = question == Question::config || question == Question::cluster;
  const bool turned_away =
      failure.outcome == core::Outcome::throttled || text.starts_with("NOAUTH") || text.starts_with("DENIED");
  if (optional && !turned_away) {
    if (question == Question::config) config_refused_ = true;
    return {};
  }
  if (question == Question::info && failure.outcome == core::Outcome::refused_command) info_refused_ = true;
  return failure;
}

core::Failure Round::broken(core::Failure failure) const {
  if (done()) return failure;
  const Question question = questions_[answered_];
  const std::string name(to_string(question));
  const bool entering = question == Question::auth || question == Question::select;
  failure.phase = entering ? core::Phase::auth : heard_ ? core::Phase::receive : core::Phase::query;
  if (failure.outcome == core::Outcome::timeout) failure.detail = "no answer to " + name + " before the deadline";
  if (failure.outcome == core::Outcome::closed)
    failure.detail = "the connection ended before " + name + " was answered";
  return failure;
}

}  // namespace tocsin::probes::redis
