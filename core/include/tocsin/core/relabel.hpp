// Prometheus's relabelling: a list of rules that a label set goes through, and comes out of changed, or not at all.
// Regular expressions are RE2's, anchored at both ends, `.` matches a newline.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::core {

struct RelabelRule {
  enum class Action {
    replace,     // regex over the joined source labels: its replacement goes into target_label
    keep,        // without a match the whole label set goes
    drop,        // with a match it goes
    keep_equal,  // goes unless the joined source labels are the value of target_label
    drop_equal,
    hash_mod,    // target_label gets the MD5 of the joined source labels, modulo modulus
    label_map,   // regex over label names: the value goes to the label that the replacement names
    label_drop,  // regex over label names
    label_keep,
    lowercase,
    uppercase,
  };
  std::vector<std::string> source_labels;
  std::string separator = ";";
  std::string regex = "(.*)";
  std::uint64_t modulus = 0;
  std::string target_label;
  std::string replacement = "$1";
  Action action = Action::replace;
  bool operator==(const RelabelRule&) const = default;
};

/// The word of the configuration: `replace`, `keep`, ..., `hashmod`, `labelmap`, ...
[[nodiscard]] std::string_view to_string(RelabelRule::Action action);
/// What is wrong with a rule, in words that name the key, as Prometheus judges it; nothing if it is good.
[[nodiscard]] std::optional<std::string> relabel_problem(const RelabelRule& rule);

/// Rules, compiled once. Const members may be called from many threads at once.
class Relabeling {
 public:
  Relabeling();
  /// Throws std::invalid_argument with what `relabel_problem` says.
  explicit Relabeling(std::vector<RelabelRule> rules);
  ~Relabeling();
  Relabeling(Relabeling&&) noexcept;
  Relabeling& operator=(Relabeling&&) noexcept;

  /// The label set after all rules; nothing where one of them drops it.
  [[nodiscard]] std::optional<Labels> apply(Labels labels) const;
  [[nodiscard]] bool empty() const;

 private:
  struct Step;
  std::vector<Step> steps_;
};

}  // namespace tocsin::core
