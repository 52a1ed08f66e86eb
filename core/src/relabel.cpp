#include "tocsin/core/relabel.hpp"

#include <openssl/evp.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "tocsin/core/replacement.hpp"

namespace tocsin::core {

using Action = RelabelRule::Action;

namespace {

constexpr std::size_t max_groups = 32;

re2::RE2::Options options() {
  re2::RE2::Options o;
  o.set_log_errors(false);
  o.set_max_mem(1 << 20);
  o.set_dot_nl(true);
  return o;
}

/// The last eight bytes of the MD5, as Prometheus takes them.
std::uint64_t hash_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr) != 1 || size != 16) return 0;
  std::uint64_t value = 0;
  for (std::size_t i = 8; i < 16; ++i) value = value << 8U | digest[i];
  return value;
}

std::string in_case(std::string_view text, char first, char last, int shift) {
  std::string out(text);
  for (char& c : out) c = c >= first && c <= last ? static_cast<char>(c + shift) : c;
  return out;
}

bool is_template(const std::string& text) { return text.find('$') != std::string::npos; }

/// A label name, of which parts may be references to groups: `${1}_total`.
bool is_name_template(const std::string& text) {
  static const re2::RE2 pattern(R"(^(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+$)");
  return re2::RE2::FullMatch(text, pattern);
}

std::optional<std::string> left_alone(const RelabelRule& rule, bool source_and_target) {
  const RelabelRule usual;
  const bool touched =
      rule.modulus != 0 || rule.separator != usual.separator || rule.replacement != usual.replacement ||
      (source_and_target ? !rule.source_labels.empty() || !rule.target_label.empty() : rule.regex != usual.regex);
  if (!touched) return std::nullopt;
  return source_and_target ? "with this action only \"regex\" is given"
                           : "with this action only \"source_labels\" and \"target_label\" are given";
}

std::optional<std::string> target_problem(const RelabelRule& rule) {
  switch (rule.action) {
    case Action::keep:
    case Action::drop:
    case Action::label_map:
    case Action::label_drop:
    case Action::label_keep:
      return std::nullopt;
    default:
      break;
  }
  if (rule.target_label.empty()) return "this action needs a \"target_label\"";
  if (rule.action == Action::replace && is_template(rule.target_label)) {
    if (is_name_template(rule.target_label)) return std::nullopt;
  } else if (is_label_name(rule.target_label)) {
    return std::nullopt;
  }
  return "\"target_label\" is not the name of a label";
}

}  // namespace

std::string_view to_string(Action action) {
  constexpr std::array<std::string_view, 11> words{"replace",   "keep",      "drop",     "keepequal",
                                                   "dropequal", "hashmod",   "labelmap", "labeldrop",
                                                   "labelkeep", "lowercase", "uppercase"};
  return words.at(static_cast<std::size_t>(action));
}

std::optional<std::string> relabel_problem(const RelabelRule& rule) {
  const re2::RE2 regex(rule.regex, options());
  if (!regex.ok()) return "\"regex\" is no regular expression: " + regex.error();
  if (static_cast<std::size_t>(regex.NumberOfCapturingGroups()) >= max_groups) return "\"regex\" has too many groups";
  if (auto problem = target_problem(rule)) return problem;
  switch (rule.action) {
    case Action::hash_mod:
      if (rule.modulus == 0) return "hashmod needs a \"modulus\"";
      return std::nullopt;
    case Action::keep_equal:
    case Action::drop_equal:
      return left_alone(rule, false);
    case Action::label_drop:
    case Action::label_keep:
      return left_alone(rule, true);
    case Action::lowercase:
    case Action::uppercase:
      if (rule.replacement != RelabelRule().replacement) return "this action takes no \"replacement\"";
      return std::nullopt;
    case Action::label_map:
      if (!is_name_template(rule.replacement)) return "\"replacement\" does not make the name of a label";
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

struct Relabeling::Step {
  RelabelRule rule;
  std::unique_ptr<re2::RE2> regex;
  Replacement replacement;
  Replacement target;
  int groups = 0;  // the whole match counts as one

  explicit Step(RelabelRule from)
      : rule(std::move(from)),
        regex(std::make_unique<re2::RE2>(rule.regex, options())),
        replacement(rule.replacement, *regex),
        target(rule.target_label, *regex),
        groups(regex->NumberOfCapturingGroups() + 1) {}

  using Groups = std::array<re2::StringPiece, max_groups>;
  bool matches(std::string_view text, Groups& found) const {
    return regex->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::ANCHOR_BOTH, found.data(),
                        groups);
  }
  bool matches(std::string_view text) const {
    return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *regex);
  }
  std::string expand(const Replacement& text, const Groups& found) const {
    std::string out;
    text.expand(std::span(found.data(), static_cast<std::size_t>(groups)), out);
    return out;
  }

  std::string source(const Labels& labels) const {
    std::string joined;
    for (const std::string& name : rule.source_labels) {
      if (&name != rule.source_labels.data()) joined += rule.separator;
      joined += labels.get(name);
    }
    return joined;
  }
  void replace(const std::string& value, Labels& labels) const {
    Groups found;
    if (!matches(value, found)) return;
    const std::string name = expand(target, found);
    if (is_label_name(name)) labels.set(name, expand(replacement, found));
  }
  void map_names(Labels& labels) const {
    const Labels before = labels;
    for (const Label& label : before) {
      Groups found;
      if (matches(label.name, found)) labels.set(expand(replacement, found), label.value);
    }
  }
  void drop_names(Labels& labels, bool matching) const {
    const Labels before = labels;
    for (const Label& label : before) {
      if (matches(label.name) == matching) labels.erase(label.name);
    }
  }
  /// False: the label set goes.
  bool apply(Labels& labels) const {
    const std::string value = source(labels);
    switch (rule.action) {
      case Action::keep:
        return matches(value);
      case Action::drop:
        return !matches(value);
      case Action::keep_equal:
        return labels.get(rule.target_label) == value;
      case Action::drop_equal:
        return labels.get(rule.target_label) != value;
      case Action::replace:
        replace(value, labels);
        return true;
      case Action::hash_mod:
        labels.set(rule.target_label, std::to_string(hash_of(value) % rule.modulus));
        return true;
      case Action::lowercase:
        labels.set(rule.target_label, in_case(value, 'A', 'Z', 'a' - 'A'));
        return true;
      case Action::uppercase:
        labels.set(rule.target_label, in_case(value, 'a', 'z', 'A' - 'a'));
        return true;
      case Action::label_map:
        map_names(labels);
        return true;
      case Action::label_drop:
      case Action::label_keep:
        drop_names(labels, rule.action == Action::label_drop);
        return true;
    }
    return true;
  }
};

Relabeling::Relabeling(std::vector<RelabelRule> rules) {
  steps_.reserve(rules.size());
  for (RelabelRule& rule : rules) {
    if (auto problem = relabel_problem(rule)) throw std::invalid_argument(*problem);
    steps_.emplace_back(std::move(rule));
  }
}
Relabeling::Relabeling() = default;
Relabeling::~Relabeling() = default;
Relabeling::Relabeling(Relabeling&&) noexcept = default;
Relabeling& Relabeling::operator=(Relabeling&&) noexcept = default;

bool Relabeling::empty() const { return steps_.empty(); }

std::optional<Labels> Relabeling::apply(Labels labels) const {
  for (const Step& step : steps_) {
    if (!step.apply(labels)) return std::nullopt;
  }
  return labels;
}

}  // namespace tocsin::core
