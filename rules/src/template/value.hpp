// The values that flow through a template. The names of their types are Go's, because error messages speak of them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tocsin/core/labels.hpp"

namespace tocsin::rules::tmpl {

struct Value;
using LabelsPtr = std::shared_ptr<const core::Labels>;

/// One row of what `query` answers.
struct QuerySample {
  LabelsPtr labels;
  double value = 0;
};
using QueryResult = std::shared_ptr<const std::vector<QuerySample>>;
using ValueMap = std::shared_ptr<const std::map<std::string, Value, std::less<>>>;

/// The dot that a template starts with.
struct Root {
  LabelsPtr labels;
  LabelsPtr external_labels;
  std::string external_url;
  double value = 0;
};

/// monostate is Go's untyped nil, or the zero of an interface.
struct Value {
  std::variant<std::monostate, bool, std::int64_t, double, std::string, LabelsPtr, QuerySample, QueryResult, ValueMap,
               const Root*>
      data;

  [[nodiscard]] bool is_nil() const { return std::holds_alternative<std::monostate>(data); }
  template <class T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&data);
  }
};

/// `string`, `float64`, `map[string]string`, `*template.sample`, ...
[[nodiscard]] std::string_view type_name(const Value& value);
/// Go's template truth: not the zero, not empty.
[[nodiscard]] bool is_true(const Value& value);

}  // namespace tocsin::rules::tmpl
