#include "alert_texts.hpp"

namespace tocsin::rules {
namespace {

constexpr std::size_t max_plans = 64;  // queries may be put together from labels: their plans must not pile up

}  // namespace

AlertTexts::AlertTexts(const RuleSpec& spec, const TemplateContext& context) : name_(spec.name), context_(context) {
  const std::string name = "__alert_" + spec.name;
  for (const core::Label& label : spec.labels) labels_.emplace_back(label.name, Template(label.value, name));
  for (const core::Label& label : spec.annotations) annotations_.emplace_back(label.name, Template(label.value, name));
}

TemplateData AlertTexts::data(const core::Labels& result, double value, const Round& round) {
  return {result, value, round.at, context_, [this, &round](std::string_view text) { return query(text, round); }};
}

std::variant<promql::Vector, std::string> AlertTexts::query(std::string_view text, const Round& round) {
  auto found = plans_.find(text);
  if (found == plans_.end()) {
    auto parsed = promql::parse(text);
    if (const auto* error = std::get_if<promql::ParseError>(&parsed)) return error->render(text);
    if (plans_.size() >= max_plans) plans_.clear();
    found = plans_.emplace(std::string(text), promql::Plan(*std::get<promql::ExprPtr>(parsed))).first;
  }
  return run(found->second, round, round.at);
}

core::Labels AlertTexts::labels(const core::Labels& result, double value, const Round& round) {
  core::Labels out = result.without_name();
  if (!labels_.empty()) {
    const TemplateData known = data(result, value, round);
    for (const auto& [name, text] : labels_) out.set(name, text.expand(known));
  }
  out.set("alertname", name_);
  return out;
}

core::Labels AlertTexts::annotations(const core::Labels& result, double value, const Round& round) {
  core::Labels out;
  const TemplateData known = data(result, value, round);
  for (const auto& [name, text] : annotations_) out.set(name, text.expand(known));
  return out;
}

}  // namespace tocsin::rules
