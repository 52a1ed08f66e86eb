#include "value.hpp"

#include <array>

namespace tocsin::rules::tmpl {
namespace {

struct Truth {
  bool operator()(std::monostate) const { return false; }
  bool operator()(bool b) const { return b; }
  bool operator()(std::int64_t i) const { return i != 0; }
  bool operator()(double d) const { return d != 0; }
  bool operator()(const std::string& s) const { return !s.empty(); }
  bool operator()(const LabelsPtr& labels) const { return !labels->empty(); }
  bool operator()(const QuerySample&) const { return true; }
  bool operator()(const QueryResult& result) const { return !result->empty(); }
  bool operator()(const ValueMap& map) const { return !map->empty(); }
  bool operator()(const Root*) const { return true; }
};

}  // namespace

std::string_view type_name(const Value& value) {
  static constexpr std::array<std::string_view, 10> names{
      "<nil>",
      "bool",
      "int",
      "float64",
      "string",
      "map[string]string",
      "*template.sample",
      "template.queryResult",
      "map[string]interface {}",
      "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"};
  return names.at(value.data.index());
}

bool is_true(const Value& value) { return std::visit(Truth{}, value.data); }

}  // namespace tocsin::rules::tmpl
