#include "src/jsonpath.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>

namespace tocsin::actions {
namespace {

constexpr std::size_t max_steps = 64;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  core::Result<std::vector<PathStep>> parse() {
    if (!take('$')) return failure("expected '$' at the beginning");
    std::vector<PathStep> steps;
    while (at_ < text_.size()) {
      if (steps.size() == max_steps) return failure("more than 64 steps");
      auto step = take('.') ? name() : take('[') ? bracket() : wrong("expected '.' or '['");
      if (!step) return step.error();
      steps.push_back(std::move(*step));
    }
    return steps;
  }

 private:
  core::Failure failure(const std::string& what) const {
    return core::Failure{core::Outcome::internal, core::Phase::parse,
                         "JSONPath '" + std::string(text_) + "', character " + std::to_string(at_ + 1) + ": " + what};
  }
  core::Result<PathStep> wrong(const std::string& what) const { return failure(what); }

  bool take(char wanted) {
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  core::Result<PathStep> name() {
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_of(".[]'\"*?()@, ", at_), text_.size());
    if (at_ == begin) return wrong("expected a name");
    return PathStep(std::string(text_.substr(begin, at_ - begin)));
  }

  core::Result<PathStep> bracket() {
    auto step = at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"') ? quoted() : index();
    if (step && !take(']')) return wrong("expected ']'");
    return step;
  }

  core::Result<PathStep> quoted() {
    const char quote = text_[at_++];
    std::string key;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      key += text_[at_++];
    }
    if (!take(quote)) return wrong("the quoted key has no end");
    return PathStep(std::move(key));
  }

  core::Result<PathStep> index() {
    std::size_t number = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), number);
    if (error != std::errc() || end == begin) return wrong("expected a place in an array, or a quoted key");
    at_ += static_cast<std::size_t>(end - begin);
    return PathStep(number);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

const boost::json::value* find_one(const boost::json::value& value, const PathStep& step) {
  if (const auto* key = std::get_if<std::string>(&step)) {
    const auto* object = value.if_object();
    return object != nullptr ? object->if_contains(*key) : nullptr;
  }
  const auto* array = value.if_array();
  return array != nullptr ? array->if_contains(std::get<std::size_t>(step)) : nullptr;
}

}  // namespace

core::Result<std::vector<PathStep>> parse_path(std::string_view expression) { return Parser(expression).parse(); }

const boost::json::value* find(const boost::json::value& root, const std::vector<PathStep>& path) {
  const boost::json::value* value = &root;
  for (const PathStep& step : path) {
    value = find_one(*value, step);
    if (value == nullptr) return nullptr;
  }
  return value;
}

}  // namespace tocsin::actions
