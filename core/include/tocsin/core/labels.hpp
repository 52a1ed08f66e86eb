// A set of labels: names and values, sorted by name, names unique. A value type; const members may be called from many
// threads at once.
#pragma once

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::core {

inline constexpr std::string_view metric_name_label = "__name__";

struct Label {
  std::string name;
  std::string value;
  auto operator<=>(const Label&) const = default;
};

/// Copies share what they have: a target's labels are wanted in many places.
class Labels {
 public:
  Labels() = default;
  /// Sorts; of equal names the last one stands; empty values are dropped (Prometheus: an empty label is no label).
  Labels(std::initializer_list<Label> labels);
  explicit Labels(std::vector<Label> labels);

  /// The value, or empty where there is no such label.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] std::string_view metric_name() const { return get(metric_name_label); }

  /// Sets a label; an empty value removes it.
  void set(std::string_view name, std::string_view value);
  void erase(std::string_view name);

  [[nodiscard]] Labels without_name() const;
  [[nodiscard]] std::span<const Label> all() const { return labels_ ? std::span(*labels_) : std::span<const Label>(); }
  [[nodiscard]] bool empty() const { return !labels_; }
  [[nodiscard]] std::size_t size() const { return all().size(); }
  [[nodiscard]] auto begin() const { return all().begin(); }
  [[nodiscard]] auto end() const { return all().end(); }

  /// A hash of names and values, the same in every process and on every machine.
  [[nodiscard]] std::uint64_t hash() const;
  /// As PromQL writes it: `name{a="b"}`, values escaped.
  [[nodiscard]] std::string to_string() const;

  std::strong_ordering operator<=>(const Labels& other) const;
  bool operator==(const Labels& other) const;

 private:
  void keep(std::vector<Label> labels);

  std::shared_ptr<const std::vector<Label>> labels_;  // null where there are none
};

struct LabelsHash {
  std::size_t operator()(const Labels& labels) const { return static_cast<std::size_t>(labels.hash()); }
};

/// `[a-zA-Z_][a-zA-Z0-9_]*` and `[a-zA-Z_:][a-zA-Z0-9_:]*` (Prometheus data model).
[[nodiscard]] bool is_label_name(std::string_view text);
[[nodiscard]] bool is_metric_name(std::string_view text);
/// Quotes and escapes as PromQL and the text format do: `\`, `"` and newline.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace tocsin::core
