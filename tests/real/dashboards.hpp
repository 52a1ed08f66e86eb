// The questions that a Grafana dashboard asks, and the answers of whoever has an API like Prometheus's.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "real/house.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::test {

struct Question {
  std::string panel;  // for messages
  std::string expression;
  bool instant = false;
};

struct VariableQuestion {
  std::string name;
  std::string selector, label;  // of label_values(selector, label)
};

struct Dashboard {
  std::vector<Question> panels;
  std::vector<VariableQuestion> variables;
};

/// Every variable is all there is.
[[nodiscard]] inline std::string filled_in(std::string text, std::vector<std::string> names) {
  std::sort(names.begin(), names.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  const auto replace = [&](const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
      text.replace(at, what.size(), by);
    }
  };
  replace("$__rate_interval", "1m");
  replace("$__interval", "5s");
  replace("$__range", "1m");
  for (const std::string& name : names) replace("$" + name, ".*");
  if (text.find('$') != std::string::npos) throw std::runtime_error("an unknown variable in " + text);
  return text;
}

[[nodiscard]] inline VariableQuestion variable_question(const std::string& name, std::string query,
                                                        const std::vector<std::string>& names) {
  const std::string function = "label_values(";
  const std::size_t comma = query.rfind(", ");
  if (!query.starts_with(function) || !query.ends_with(')') || comma == std::string::npos) {
    throw std::runtime_error("not a query for a variable: " + query);
  }
  const std::string selector = query.substr(function.size(), comma - function.size());
  return {name, filled_in(selector, names), query.substr(comma + 2, query.size() - comma - 3)};
}

[[nodiscard]] inline Dashboard read_dashboard(const std::string& path) {
  const boost::json::value file = boost::json::parse(read_text(path));
  const auto text = [](const boost::json::value& value) { return std::string(value.as_string()); };
  std::vector<std::string> names;
  for (const auto& variable : file.at("templating").at("list").as_array()) names.push_back(text(variable.at("name")));
  Dashboard dashboard;
  for (const auto& variable : file.at("templating").at("list").as_array()) {
    if (text(variable.at("type")) != "query") continue;
    dashboard.variables.push_back(
        variable_question(text(variable.at("name")), text(variable.at("query").at("query")), names));
  }
  for (const auto& panel : file.at("panels").as_array()) {
    if (text(panel.at("type")) == "row") continue;
    for (const auto& target : panel.at("targets").as_array()) {
      dashboard.panels.push_back({text(panel.at("title")) + " " + text(target.at("refId")),
                                  filled_in(text(target.at("expr")), names), target.at("instant").as_bool()});
    }
  }
  return dashboard;
}

/// How many series a panel would show; nothing is -1 where it was not even a good question.
[[nodiscard]] inline int series_of(std::uint16_t port, const Question& question) {
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  const std::string query = net::percent_encode(question.expression);
  const auto answer =
      http_json(port, question.instant ? "/api/v1/query?query=" + query
                                       : fmt::format("/api/v1/query_range?query={}&start={}&end={}&step=5", query,
                                                     now.count() - 60, now.count()));
  if (!answer.is_object() || answer.at("status").as_string() != "success") return -1;
  return static_cast<int>(answer.at("data").at("result").as_array().size());
}

[[nodiscard]] inline std::set<std::string> values_of(std::uint16_t port, const VariableQuestion& question) {
  std::set<std::string> values;
  const auto answer = http_json(
      port, fmt::format("/api/v1/label/{}/values?match[]={}", question.label, net::percent_encode(question.selector)));
  if (!answer.is_object() || answer.at("status").as_string() != "success") return values;
  for (const auto& value : answer.at("data").as_array()) values.emplace(value.as_string());
  return values;
}

}  // namespace tocsin::test
