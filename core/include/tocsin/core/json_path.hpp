// JSON that somebody else sends, and a path to one value in it: `$.a[0].b` and `$['a key'][0]`. No wildcards, filters
// or slices.
#pragma once

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tocsin/core/result.hpp"

namespace tocsin::core {

class JsonPath {
 public:
  using Step = std::variant<std::string, std::size_t>;  // a key, or a place in an array

  /// At most 64 steps. The failure's detail says where it is wrong: `character 3: expected a name`.
  [[nodiscard]] static Result<JsonPath> parse(std::string_view text);
  /// The value at that path, or null where there is none.
  [[nodiscard]] const boost::json::value* find(const boost::json::value& root) const;

 private:
  friend class JsonPathParser;
  std::vector<Step> steps_;
};

/// A document that nests at most 64 deep. The failure's detail says what is wrong, without the text.
[[nodiscard]] Result<boost::json::value> parse_json(std::string_view text, boost::json::storage_ptr memory = {});

/// A value as text: strings as they are, numbers in their shortest form, true, false, null; lists and objects as JSON.
[[nodiscard]] std::string json_text(const boost::json::value& value);

}  // namespace tocsin::core
