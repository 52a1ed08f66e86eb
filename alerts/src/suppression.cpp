#include "suppression.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>
#include <vector>

#include "tocsin/net/url.hpp"

namespace tocsin::alerts {
namespace {

namespace json = boost::json;
using State = core::Suppression::State;

constexpr std::size_t longest_query = 4096;  // further labels are left to the comparison
constexpr std::size_t most_ids = 32;

core::Suppression unknown(std::string why) {
  core::Suppression suppression;
  suppression.detail = std::move(why);
  return suppression;
}

std::string_view text_of(const json::value& value) {
  if (!value.is_string()) return {};
  return {value.get_string().data(), value.get_string().size()};
}

bool has_labels(const json::object& alert, const core::Labels& labels) {
  const json::value* found = alert.if_contains("labels");
  if (found == nullptr || !found->is_object() || found->get_object().size() != labels.size()) return false;
  return std::all_of(labels.begin(), labels.end(), [&](const core::Label& label) {
    const json::value* value = found->get_object().if_contains(json::string_view(label.name.data(), label.name.size()));
    return value != nullptr && value->is_string() && text_of(*value) == label.value;
  });
}

std::vector<std::string> ids(const json::object& status, json::string_view name) {
  std::vector<std::string> out;
  const json::value* list = status.if_contains(name);
  if (list == nullptr || !list->is_array()) return out;
  for (const json::value& id : list->get_array()) {
    if (out.size() < most_ids) out.emplace_back(text_of(id));
  }
  return out;
}

core::Suppression read_status(const json::object& alert) {
  const json::value* found = alert.if_contains("status");
  if (found == nullptr || !found->is_object()) return unknown("Alertmanager gave no status");
  const json::object& status = found->get_object();
  core::Suppression suppression;
  if (auto by = ids(status, "silencedBy"); !by.empty()) {
    suppression.state = State::silenced;
    suppression.by = std::move(by);
  } else if (by = ids(status, "inhibitedBy"); !by.empty()) {
    suppression.state = State::inhibited;
    suppression.by = std::move(by);
  } else if (const json::value* state = status.if_contains("state"); state != nullptr && text_of(*state) == "active") {
    suppression.state = State::none;
  } else {
    return unknown("Alertmanager has not processed the alert yet");
  }
  return suppression;
}

}  // namespace

std::string suppression_target(const core::Labels& labels) {
  std::string target = "/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true";
  for (const core::Label& label : labels) {
    auto filter = "&filter=" + net::percent_encode(label.name + "=" + core::quote(label.value));
    if (target.size() + filter.size() <= longest_query) target += filter;
  }
  return target;
}

core::Suppression read_suppression(std::string_view body, const core::Labels& labels) {
  json::error_code error;
  const json::value document = json::parse(json::string_view(body.data(), body.size()), error);
  if (error || !document.is_array()) return unknown("Alertmanager's answer is not a list of alerts");
  for (const json::value& alert : document.get_array()) {
    if (alert.is_object() && has_labels(alert.get_object(), labels)) return read_status(alert.get_object());
  }
  return unknown("Alertmanager does not know the alert");
}

core::Suppression combine(std::span<const core::Suppression> answers) {
  for (const State wanted : {State::silenced, State::inhibited, State::unknown}) {
    const auto found = std::find_if(answers.begin(), answers.end(), [&](const auto& a) { return a.state == wanted; });
    if (found != answers.end()) return *found;
  }
  core::Suppression none;
  none.state = State::none;
  return none;
}

}  // namespace tocsin::alerts
