#include "redis/round.hpp"

#include <utility>

#include "redis/refusal.hpp"

namespace tocsin::probes::redis {
namespace {

core::Failure nonsense(Question question) {
  return {core::Outcome::protocol, core::Phase::parse,
          "the answer to " + std::string(to_string(question)) + " is not of the kind that Redis gives"};
}

}  // namespace

Exchange::Exchange(std::size_t max_reply)
    : chunk_(std::make_unique_for_overwrite<char[]>(chunk_size)), reader_(max_reply) {}

core::Result<void> Exchange::take(std::size_t bytes) {
  heard_ = heard_ || bytes > 0;
  if (auto fed = reader_.feed({chunk_.get(), bytes}); !fed) return fed;
  while (!done()) {
    const auto reply = reader_.next();
    if (!reply) return reply.error();
    if (!*reply) return {};
    if (auto answered = answer(answered_, **reply); !answered) return answered;
    ++answered_;
  }
  if (reader_.pending() == 0) return {};
  return core::Failure{core::Outcome::protocol, core::Phase::parse, "the server says more than it was asked"};
}

core::Failure Exchange::broken(core::Failure failure) const {
  if (done()) return failure;
  const std::string asked(name(answered_));
  failure.phase = is_entering(answered_) ? core::Phase::auth : heard_ ? core::Phase::receive : core::Phase::query;
  if (failure.outcome == core::Outcome::timeout) failure.detail = "no answer to " + asked + " before the deadline";
  if (failure.outcome == core::Outcome::closed) {
    failure.detail = "the connection ended before " + asked + " was answered";
  }
  return failure;
}

Round::Round(std::shared_ptr<const Questions> questions, Answers& answers, std::size_t max_reply)
    : Exchange(max_reply), questions_(std::move(questions)), answers_(answers) {}

std::string_view Round::name(std::size_t number) const { return to_string(questions_->list()[number].what); }

bool Round::is_entering(std::size_t number) const {
  const Question question = questions_->list()[number].what;
  return question == Question::auth || question == Question::select;
}

core::Result<void> Round::answer(std::size_t number, const Reply& reply) {
  const auto asked = questions_->list()[number];
  if (reply.kind() == Reply::Kind::error) return error(asked, reply.text());
  switch (asked.what) {
    case Question::auth:
    case Question::select:
      if (reply.kind() == Reply::Kind::status) return {};
      break;
    case Question::info:
    case Question::info_plain:
      if (!reply.is_text()) break;
      info_ = reply.text();
      info_refused_ = info_.empty();
      return {};
    default:
      answers_.answered(asked, reply);
      return {};
  }
  return nonsense(asked.what);
}

core::Result<void> Round::error(Questions::Asked asked, std::string_view text) {
  auto failure = refusal(asked.what, text, questions_->password().reveal());
  const bool turned_away =
      failure.outcome == core::Outcome::throttled || text.starts_with("NOAUTH") || text.starts_with("DENIED");
  if (is_optional(asked.what) && !turned_away) {
    answers_.refused(asked, text);
    return {};
  }
  if (!is_optional(asked.what) && asked.what >= Question::info) {
    info_refused_ = failure.outcome == core::Outcome::refused_command;
  }
  return failure;
}

}  // namespace tocsin::probes::redis
