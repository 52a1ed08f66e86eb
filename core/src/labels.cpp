#include "tocsin/core/labels.hpp"

#include <algorithm>

#include "tocsin/core/label_hash.hpp"

namespace tocsin::core {
namespace {

auto lower_bound(auto& labels, std::string_view name) {
  return std::lower_bound(labels.begin(), labels.end(), name,
                          [](const Label& label, std::string_view wanted) { return label.name < wanted; });
}

void normalise(std::vector<Label>& labels) {
  const auto before = [](const Label& a, const Label& b) { return a.name < b.name; };
  if (!std::is_sorted(labels.begin(), labels.end(), before)) std::stable_sort(labels.begin(), labels.end(), before);
  // Of equal names the last stands.
  auto out = labels.begin();
  for (auto it = labels.begin(); it != labels.end(); ++it) {
    const auto next = it + 1;
    if (next != labels.end() && next->name == it->name) continue;
    if (it->value.empty()) continue;
    if (out != it) *out = std::move(*it);
    ++out;
  }
  labels.erase(out, labels.end());
}

constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Labels::Labels(std::initializer_list<Label> labels) : Labels(std::vector<Label>(labels)) {}
Labels::Labels(std::vector<Label> labels) {
  normalise(labels);
  keep(std::move(labels));
}

void Labels::keep(std::vector<Label> labels) {
  labels_ = labels.empty() ? nullptr : std::make_shared<const std::vector<Label>>(std::move(labels));
}

std::string_view Labels::get(std::string_view name) const {
  const auto labels = all();
  const auto it = lower_bound(labels, name);
  return it != labels.end() && it->name == name ? std::string_view(it->value) : std::string_view();
}

bool Labels::has(std::string_view name) const {
  const auto labels = all();
  const auto it = lower_bound(labels, name);
  return it != labels.end() && it->name == name;
}

void Labels::set(std::string_view name, std::string_view value) {
  if (value.empty()) return erase(name);
  std::vector<Label> changed(begin(), end());
  const auto it = lower_bound(changed, name);
  if (it != changed.end() && it->name == name) {
    it->value = value;
  } else {
    changed.insert(it, Label{std::string(name), std::string(value)});
  }
  keep(std::move(changed));
}

void Labels::erase(std::string_view name) {
  if (!has(name)) return;
  std::vector<Label> changed(begin(), end());
  changed.erase(lower_bound(changed, name));
  keep(std::move(changed));
}

std::strong_ordering Labels::operator<=>(const Labels& other) const {
  const auto mine = all();
  const auto theirs = other.all();
  return std::lexicographical_compare_three_way(mine.begin(), mine.end(), theirs.begin(), theirs.end());
}

bool Labels::operator==(const Labels& other) const {
  return labels_ == other.labels_ || std::ranges::equal(all(), other.all());
}

Labels Labels::without_name() const {
  Labels copy = *this;
  copy.erase(metric_name_label);
  return copy;
}

std::uint64_t Labels::hash() const {
  LabelHash hash;
  for (const Label& label : all()) hash.add(label.name, label.value);
  return hash.value();
}

std::string quote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  out += '"';
  for (const char c : text) {
    if (c == '\\' || c == '"') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

std::string Labels::to_string() const {
  std::string out(metric_name());
  bool first = true;
  for (const Label& label : all()) {
    if (label.name == metric_name_label) continue;
    out += first ? "{" : ", ";
    first = false;
    out += label.name + "=" + quote(label.value);
  }
  if (!first) {
    out += "}";
  } else if (out.empty()) {
    out = "{}";
  }
  return out;
}

bool is_label_name(std::string_view text) {
  return !text.empty() && is_alpha(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alpha(c) || is_digit(c); });
}

bool is_metric_name(std::string_view text) {
  return !text.empty() && (is_alpha(text.front()) || text.front() == ':') &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == ':'; });
}

}  // namespace tocsin::core
