#include "tocsin/core/json_path.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <utility>

#include "tocsin/core/duration.hpp"

namespace tocsin::core {

namespace json = boost::json;

namespace {

constexpr std::size_t max_steps = 64;
constexpr std::size_t max_depth = 64;

}  // namespace

class JsonPathParser {
 public:
  explicit JsonPathParser(std::string_view text) : text_(text) {}

  Result<JsonPath> parse() {
    if (!take('$')) return failure("expected '$'");
    JsonPath path;
    while (at_ < text_.size()) {
      if (path.steps_.size() == max_steps) return failure("more than 64 steps");
      auto step = next();
      if (!step) return step.error();
      path.steps_.push_back(std::move(*step));
    }
    return path;
  }

 private:
  using Step = JsonPath::Step;

  [[nodiscard]] Failure failure(const std::string& what) const {
    return {Outcome::unexpected, Phase::parse, "character " + std::to_string(at_ + 1) + ": " + what};
  }

  bool take(char wanted) {
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  Result<Step> next() {
    if (take('.')) return name();
    if (!take('[')) return failure("expected '.' or '['");
    const bool quotes = at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"');
    auto step = quotes ? quoted() : index();
    if (step && !take(']')) return failure("expected ']'");
    return step;
  }

  /// What other dialects would read as more than a name must be quoted.
  Result<Step> name() {
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_of(".[]'\"*?()@, ", at_), text_.size());
    if (at_ == begin) return failure("expected a name");
    return Step(std::string(text_.substr(begin, at_ - begin)));
  }

  /// A backslash takes the next character as it is.
  Result<Step> quoted() {
    const char quote = text_[at_++];
    std::string key;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      key += text_[at_++];
    }
    if (!take(quote)) return failure("the quoted name has no end");
    return Step(std::move(key));
  }

  Result<Step> index() {
    std::size_t number = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), number);
    if (error != std::errc()) return failure("expected a place in a list, or a quoted name");
    at_ += static_cast<std::size_t>(end - begin);
    return Step(number);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<JsonPath> JsonPath::parse(std::string_view text) { return JsonPathParser(text).parse(); }

const json::value* JsonPath::find(const json::value& root) const {
  const json::value* value = &root;
  for (const Step& step : steps_) {
    if (const auto* key = std::get_if<std::string>(&step)) {
      const auto* object = value->if_object();
      value = object != nullptr ? object->if_contains(*key) : nullptr;
    } else {
      const auto* array = value->if_array();
      value = array != nullptr ? array->if_contains(std::get<std::size_t>(step)) : nullptr;
    }
    if (value == nullptr) return nullptr;
  }
  return value;
}

Result<json::value> parse_json(std::string_view text, json::storage_ptr memory) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error, std::move(memory), options);
  if (error) return Failure{Outcome::unexpected, Phase::parse, error.message()};
  return value;
}

std::string json_text(const json::value& value) {
  if (const auto* text = value.if_string()) return {text->data(), text->size()};
  if (const auto* number = value.if_double()) return format_value(*number);
  return json::serialize(value);
}

}  // namespace tocsin::core
