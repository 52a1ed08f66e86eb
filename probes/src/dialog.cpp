#include "src/dialog.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <stdexcept>

#include "tocsin/core/replacement.hpp"

namespace tocsin::probes {
namespace {

std::unique_ptr<re2::RE2> compile(const std::string& expression) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_unique<re2::RE2>(expression, options);
  if (!regex->ok()) throw std::invalid_argument("regular expression '" + expression + "': " + regex->error());
  return regex;
}

void check_labels(const DialogStep& step) {
  for (const auto& [name, value] : step.labels) {
    if (!core::is_label_name(name) || name.starts_with("__")) {
      throw std::invalid_argument("'" + name + "' is not the name of a label");
    }
  }
  if (!step.labels.empty() && step.expect.empty()) throw std::invalid_argument("labels need an expect in their step");
}

}  // namespace

struct Dialog::Compiled {
  explicit Compiled(const DialogStep& step) : regex(compile(step.expect)), send(step.send, *regex) {
    for (const auto& [name, value] : step.labels) labels.emplace_back(name, core::Replacement(value, *regex));
  }
  std::unique_ptr<re2::RE2> regex;
  core::Replacement send;
  std::vector<std::pair<std::string, core::Replacement>> labels;
};

Dialog::Dialog(std::vector<DialogStep> steps) : steps_(std::move(steps)) {
  for (const DialogStep& step : steps_) {
    check_labels(step);
    compiled_.push_back(step.expect.empty() ? nullptr : std::make_unique<Compiled>(step));
  }
}

Dialog::~Dialog() = default;
Dialog::Dialog(Dialog&&) noexcept = default;
Dialog& Dialog::operator=(Dialog&&) noexcept = default;

std::optional<Dialog::Reply> Dialog::match(std::size_t step, std::string_view said) const {
  const Compiled& compiled = *compiled_[step];
  // Most of what is said does not match, and that is found out faster where no groups are asked for.
  if (!re2::RE2::PartialMatch(re2::StringPiece(said.data(), said.size()), *compiled.regex)) return std::nullopt;
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(compiled.regex->NumberOfCapturingGroups()) + 1);
  const re2::StringPiece text(said.data(), said.size());
  if (!compiled.regex->Match(text, 0, text.size(), re2::RE2::UNANCHORED, groups.data(),
                             static_cast<int>(groups.size()))) {
    return std::nullopt;
  }
  Reply reply;
  compiled.send.expand(groups, reply.send);
  for (const auto& [name, value] : compiled.labels) {
    core::Label label{name, {}};
    value.expand(groups, label.value);
    reply.labels.push_back(std::move(label));
  }
  return reply;
}

core::Result<void> check_dialog(const std::vector<DialogStep>& steps) {
  try {
    const Dialog dialog(steps);
    return {};
  } catch (const std::invalid_argument& error) {
    return core::Failure{core::Outcome::unexpected, core::Phase::parse, error.what()};
  }
}

std::string shown(std::string_view text) {
  std::string out(text.substr(0, most_shown));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > most_shown) out += "...";
  return '"' + out + '"';
}

}  // namespace tocsin::probes
