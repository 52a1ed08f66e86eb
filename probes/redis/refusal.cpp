#include "redis/refusal.hpp"

#include <algorithm>
#include <string>

#include "redis/series.hpp"
#include "tocsin/core/secret.hpp"

namespace tocsin::probes::redis {
namespace {

// Beginnings of error replies, or words in them, compared without case.
constexpr std::string_view not_now_beginnings[] = {"LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN"};
constexpr std::string_view not_now_words[] = {"max number of clients",   "max requests limit",
                                              "max daily request limit", "rate limit",
                                              "too many requests",       "max concurrent connections"};
constexpr std::string_view not_you_beginnings[] = {"NOAUTH", "WRONGPASS", "DENIED"};
constexpr std::string_view not_you_words[] = {
    "invalid password",        "invalid username-password pair",  "authentication required",
    "operation not permitted", "without any password configured", "no password is set"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

bool begins(std::string_view error, const auto& beginnings) {
  const auto fits = [error](std::string_view text) { return error.starts_with(text); };
  return std::ranges::any_of(beginnings, fits);
}

bool contains(std::string_view error, const auto& words) {
  const auto fits = [all = lower(error)](std::string_view text) { return all.find(text) != std::string::npos; };
  return std::ranges::any_of(words, fits);
}

core::Outcome outcome(Question question, std::string_view error) {
  if (is_passing(error)) return core::Outcome::throttled;
  if (begins(error, not_you_beginnings) || contains(error, not_you_words)) return core::Outcome::auth;
  // Whatever else a server says to AUTH, it did not let us in.
  return question == Question::auth ? core::Outcome::auth : core::Outcome::refused_command;
}

/// "unknown command `AUTH`, with args beginning with: `secret`".
std::string_view without_arguments(std::string_view error) {
  return error.substr(0, std::min(error.find(", with args beginning"), error.find(" with args beginning")));
}

std::string presentable(std::string_view error, std::string_view password) {
  std::string text = label_text(core::redact(std::string(without_arguments(error)), password));
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

}  // namespace

bool is_passing(std::string_view error) { return begins(error, not_now_beginnings) || contains(error, not_now_words); }

core::Failure refusal(Question question, std::string_view error, std::string_view password) {
  const auto what = outcome(question, error);
  const auto phase = what == core::Outcome::auth ? core::Phase::auth : core::Phase::query;
  std::string detail =
      "the server answers " + std::string(to_string(question)) + " with: " + presentable(error, password);
  if (contains(error,
               std::initializer_list<std::string_view>{"without any password configured", "no password is set"})) {
    detail += " (a password is configured for this target, and the server has none)";
  }
  return {what, phase, std::move(detail)};
}

}  // namespace tocsin::probes::redis
