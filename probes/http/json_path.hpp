// A path into a JSON document: `$`, `.name`, `['name']`, `[index]`, and what stands there, as text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tocsin/core/result.hpp"

namespace tocsin::probes::http {

class JsonPath {
 public:
  /// Nothing if the text is not a path; at most 64 steps.
  [[nodiscard]] static std::optional<JsonPath> parse(std::string_view text);

  struct Found {
    bool present = false;
    std::string
        text;  // true, false, null, numbers in their shortest form, strings as they are; lists and objects as JSON
  };
  using Step = std::variant<std::string, std::size_t>;
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }

 private:
  std::vector<Step> steps_;
};

/// What stands at each of the paths, in their order. A body that is no JSON (or nests deeper than 64) is
/// Outcome::unexpected.
[[nodiscard]] core::Result<std::vector<JsonPath::Found>> look_up(std::string_view body,
                                                                 const std::vector<JsonPath>& paths);

}  // namespace tocsin::probes::http
