// What series, labels and metrics there are.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "src/api.hpp"
#include "src/json.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::daemon {
namespace {

using Selectors = std::vector<std::vector<core::Matcher>>;

/// Every match[] as matchers, or what is wrong with one.
std::variant<Selectors, net::ServerResponse> selectors(const net::ServerRequest& request) {
  Selectors all;
  for (const std::string& text : api_values(request, "match")) {
    auto parsed = rules::promql::parse(text);
    if (const auto* error = std::get_if<rules::promql::ParseError>(&parsed))
      return api_error("bad_data", "invalid parameter \"match[]\": " + error->render(text));
    const auto& expression = *std::get<rules::promql::ExprPtr>(parsed);
    const auto* selector = std::get_if<rules::promql::VectorSelector>(&expression.node);
    if (selector == nullptr) return api_error("bad_data", "invalid parameter \"match[]\": it is not a vector selector");
    all.push_back(selector->matchers);
  }
  return all;
}

/// The bound that the caller wants; none for 0 or nothing.
std::size_t limit_of(const net::ServerRequest& request) {
  const auto limit = core::parse_number<std::size_t>(api_parameter(request, "limit")).value_or(0);
  return limit == 0 ? std::size_t(-1) : limit;
}

/// The series that any of the selectors picks; all of them where there is no selector.
std::vector<store::SeriesId> picked(const store::View& view, const Selectors& selectors) {
  if (selectors.empty()) return view.select({});
  std::vector<store::SeriesId> ids;
  for (const auto& matchers : selectors) {
    const auto some = view.select(matchers);
    ids.insert(ids.end(), some.begin(), some.end());
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

net::ServerResponse list_of(const std::set<std::string, std::less<>>& words, std::size_t limit) {
  JsonWriter json;
  json.begin_array();
  for (const std::string& word : words) {
    if (limit-- == 0) break;
    json.string(word);
  }
  json.end_array();
  return api_success(json.take());
}

}  // namespace

net::ServerResponse api_series(const net::ServerRequest& request, const store::View& view) {
  const auto wanted = selectors(request);
  if (const auto* wrong = std::get_if<net::ServerResponse>(&wanted)) return *wrong;
  if (std::get<Selectors>(wanted).empty()) return api_error("bad_data", "no match[] parameter provided");
  JsonWriter json;
  json.begin_array();
  std::size_t left = limit_of(request);
  for (const store::SeriesId id : picked(view, std::get<Selectors>(wanted))) {
    if (left-- == 0) break;
    json.labels(view.labels(id));
  }
  json.end_array();
  return api_success(json.take());
}

net::ServerResponse api_labels(const net::ServerRequest& request, const store::View& view) {
  const auto wanted = selectors(request);
  if (const auto* wrong = std::get_if<net::ServerResponse>(&wanted)) return *wrong;
  std::set<std::string, std::less<>> names;
  for (const store::SeriesId id : picked(view, std::get<Selectors>(wanted))) {
    const core::Labels labels = view.labels(id);
    for (const core::Label& label : labels) {
      if (!names.contains(label.name)) names.emplace(label.name);
    }
  }
  return list_of(names, limit_of(request));
}

net::ServerResponse api_label_values(const net::ServerRequest& request, std::string_view name,
                                     const store::View& view) {
  if (!core::is_label_name(name)) return api_error("bad_data", fmt::format("invalid label name: \"{}\"", name));
  const auto wanted = selectors(request);
  if (const auto* wrong = std::get_if<net::ServerResponse>(&wanted)) return *wrong;
  std::set<std::string, std::less<>> values;
  for (const store::SeriesId id : picked(view, std::get<Selectors>(wanted))) {
    const std::string_view value = view.label(id, name);
    if (!value.empty() && !values.contains(value)) values.emplace(value);
  }
  return list_of(values, limit_of(request));
}

net::ServerResponse api_metadata(const net::ServerRequest& request, const Metadata& metadata) {
  const std::string metric = api_parameter(request, "metric");
  std::size_t left = limit_of(request);
  JsonWriter json;
  json.begin_object();
  for (const auto& [name, meta] : metadata) {
    if (!metric.empty() && name != metric) continue;
    if (left-- == 0) break;
    json.key(name).begin_array().begin_object().key("type").string(to_string(meta.type));
    json.key("help").string(meta.help).key("unit").string("").end_object().end_array();
  }
  json.end_object();
  return api_success(json.take());
}

}  // namespace tocsin::daemon
