#include "kafka/pattern.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

namespace tocsin::probes::kafka {
namespace {

constexpr std::size_t max_patterns = 1000;
constexpr std::int64_t max_expression_memory = 8 << 20;

/// The glob as a regular expression for the whole name.
std::string expression_of(std::string_view glob) {
  std::string out = "\\A(?:";
  std::size_t plain = 0;
  const auto quote_until = [&](std::size_t end) {
    out += re2::RE2::QuoteMeta(re2::StringPiece(glob.data() + plain, end - plain));
    plain = end + 1;
  };
  for (std::size_t i = 0; i < glob.size(); ++i) {
    if (glob[i] != '*' && glob[i] != '?') continue;
    quote_until(i);
    out += glob[i] == '*' ? "(?s:.*)" : "(?s:.)";
  }
  quote_until(glob.size());
  return out + ")\\z";
}

void join(std::string& all, std::string_view expression) {
  if (!all.empty()) all += '|';
  all += "(?:";
  all += expression;
  all += ')';
}

re2::RE2::Options options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(max_expression_memory);
  return options;
}

core::Failure complaint(std::string_view pattern, std::string_view why) {
  return {core::Outcome::internal, core::Phase::none,
          "the pattern \"" + std::string(pattern) + "\" " + std::string(why)};
}

}  // namespace

struct NamePatterns::Compiled {
  std::unique_ptr<re2::RE2> include;  // none: everything
  std::unique_ptr<re2::RE2> exclude;  // none: nothing
};

core::Result<NamePatterns> NamePatterns::parse(const std::vector<std::string>& patterns) {
  if (patterns.size() > max_patterns) return complaint(patterns[max_patterns], "is one too many");
  NamePatterns result;
  std::string include, exclude;
  for (const std::string& pattern : patterns) {
    std::string_view text = pattern;
    const bool excludes = text.starts_with('!');
    if (excludes) text.remove_prefix(1);
    if (text.empty()) return complaint(pattern, "is empty");
    std::string& list = excludes ? exclude : include;
    if (text.size() >= 2 && text.front() == '/' && text.back() == '/') {
      const std::string expression(text.substr(1, text.size() - 2));
      const re2::RE2 compiled(expression, options());
      if (!compiled.ok()) return complaint(pattern, "is no regular expression: " + compiled.error());
      join(list, expression);
      continue;
    }
    join(list, expression_of(text));
    if (!excludes && text.find_first_of("*?") == std::string_view::npos) result.plain_.emplace_back(text);
  }
  auto compiled = std::make_shared<Compiled>();
  for (const auto& [text, target] : {std::pair{&include, &compiled->include}, {&exclude, &compiled->exclude}}) {
    if (text->empty()) continue;
    *target = std::make_unique<re2::RE2>(*text, options());
    if (!(*target)->ok()) return complaint(*text, "cannot be used: " + (*target)->error());
  }
  if (compiled->exclude) {
    std::erase_if(result.plain_,
                  [&](const std::string& name) { return re2::RE2::PartialMatch(name, *compiled->exclude); });
  }
  if (!patterns.empty()) result.compiled_ = std::move(compiled);
  return result;
}

bool NamePatterns::matches(std::string_view name) const {
  if (!compiled_) return true;
  const re2::StringPiece text(name.data(), name.size());
  if (compiled_->include && !re2::RE2::PartialMatch(text, *compiled_->include)) return false;
  return !compiled_->exclude || !re2::RE2::PartialMatch(text, *compiled_->exclude);
}

}  // namespace tocsin::probes::kafka
