// Which topics and groups are looked at: patterns as people write them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/result.hpp"

namespace tocsin::probes::kafka {

/// A list of patterns. `delivery-*` is a glob (`*` any characters, `?` one), `/^delivery-[0-9]+$/` a regular expression
/// (RE2, found anywhere in the name, as kafka_exporter's filters are), and `!` in front of either excludes. A name is
/// taken if a pattern includes it and none excludes it; a list without including patterns includes everything. A copy
/// is cheap.
class NamePatterns {
 public:
  NamePatterns() = default;  // everything
  /// Failure::detail names the pattern that is none.
  [[nodiscard]] static core::Result<NamePatterns> parse(const std::vector<std::string>& patterns);

  [[nodiscard]] bool matches(std::string_view name) const;
  /// The including patterns that are plain names: what must be there, so that its absence can be told.
  [[nodiscard]] const std::vector<std::string>& plain_names() const { return plain_; }

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
  std::vector<std::string> plain_;
};

}  // namespace tocsin::probes::kafka
