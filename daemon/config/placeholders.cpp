#include "placeholders.hpp"

#include <algorithm>
#include <set>

#include "action_tables.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::string_view label_prefix = "label.";

/// The name of the placeholder that a text begins with; empty if it is none.
std::string_view placeholder_at(std::string_view text) {
  const auto end = text.find('}');
  if (!text.starts_with('{') || end == std::string_view::npos || end == 1) return {};
  const std::string_view name = text.substr(1, end - 1);
  if (name.starts_with(label_prefix)) return name;
  const bool word = std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return word ? name : std::string_view();
}

/// One call of an action: where it stands, and what may be in it.
class CheckedCall {
 public:
  CheckedCall(const model::Action& action, const Loading& loading, std::vector<std::string_view> known,
              std::set<std::string, std::less<>>& used)
      : action_(action), loading_(loading), known_(std::move(known)), used_(used) {}

  void argv(const core::Place& place, const std::vector<std::string>& arguments) {
    place_ = &place;
    at_ = place.of("exec");
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::string& argument = arguments[i];
      if (!text(argument, "a command")) continue;
      const std::string_view first = placeholder_at(argument);
      if (i == 0) {
        error("the command itself cannot be a placeholder: " + argument);
      } else if (!first.empty() && argument.size() != first.size() + 2) {
        error("the argument \"" + argument +
              "\" begins with a placeholder, so its value could make an option of it (write it behind other text, or "
              "alone)");
      }
    }
  }

  void request(const model::HttpRequest& request) {
    place_ = &request.place;
    at_ = request.place.of("url");
    text(request.url, "a URL");
    const auto host = request.url.find("://");
    const auto path = host == std::string::npos ? host : request.url.find_first_of("/?#", host + 3);
    for (std::size_t brace = request.url.find('{'); brace != std::string::npos && brace < path;
         brace = request.url.find('{', brace + 1)) {
      if (!placeholder_at(std::string_view(request.url).substr(brace)).empty())
        return error("a placeholder may stand in the path and the query of a URL only");
    }
    at_ = request.place.of("headers");
    for (const auto& [name, header] : request.headers) no_placeholder(name, header.value.value.reveal());
    at_ = request.place.of("body");
    text(request.body, "a body");
  }

  void no_placeholder(const std::string& name, std::string_view value) const {
    for (std::size_t brace = value.find('{'); brace != std::string_view::npos; brace = value.find('{', brace + 1)) {
      if (!placeholder_at(value.substr(brace)).empty())
        return error("the header \"" + name + "\" has a placeholder, and headers are sent as they are");
    }
  }

  /// At the place of the last text.
  void error(std::string message) const { loading_.error(*place_, at_, std::move(message)); }

 private:
  /// Whether there is a placeholder in it, and all are good.
  bool text(std::string_view content, std::string_view where) {
    bool any = false, good = true;
    for (std::size_t brace = content.find('{'); brace != std::string_view::npos; brace = content.find('{', brace + 1)) {
      const std::string_view name = placeholder_at(content.substr(brace));
      if (name.empty()) continue;
      any = true;
      good = placeholder(name, where) && good;
    }
    return any && good;
  }

  bool placeholder(std::string_view name, std::string_view where) {
    if (name.starts_with(label_prefix)) return label(name.substr(label_prefix.size()));
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) {
      used_.emplace(name);
      if (name != "target" || may_be_argument(action_.target)) return true;
      loading_.error(action_.place, action_.place.of("target"),
                     "\"target\" cannot stand in a command " + std::string(argument_rule));
      return false;
    }
    const auto near = core::nearest(name, known_);
    std::string message = "unknown placeholder {";
    message.append(name).append("} in ").append(where);
    if (!near.empty()) message.append(" (did you mean {").append(near).append("}?)");
    error(std::move(message));
    return false;
  }

  bool label(std::string_view name) {
    used_.emplace(std::string(label_prefix).append(name));
    const bool allowed = std::any_of(action_.allow.begin(), action_.allow.end(),
                                     [name](const auto& entry) { return entry.first == name; });
    if (allowed) return true;
    std::string message = "{label.";
    message.append(name).append("} needs a list of what may stand there (write allow: {").append(name);
    error(std::move(message.append(": [...]})")));
    return false;
  }

  const model::Action& action_;
  const Loading& loading_;
  std::vector<std::string_view> known_;
  std::set<std::string, std::less<>>& used_;
  const core::Place* place_ = nullptr;
  core::Position at_;
};

}  // namespace

void check_placeholders(const model::Action& action, const Loading& loading) {
  std::set<std::string, std::less<>> read, set;
  if (action.read) {
    CheckedCall call(action, loading, {"target"}, read);
    if (action.read->http) {
      call.request(*action.read->http);
    } else {
      call.argv(action.read->place, action.read->exec);
    }
  }
  if (action.set) {
    const std::size_t before = loading.diagnostics.errors();
    CheckedCall call(action, loading, {"from", "to", "target", "id", "key"}, set);
    if (action.set->http) {
      call.request(*action.set->http);
    } else {
      call.argv(action.set->place, action.set->exec);
    }
    if (loading.diagnostics.errors() == before && !set.contains("to")) {
      const char* what = action.set->http ? "the request" : "the command";
      loading.error(action.set->place, action.set->place.of(action.set->http ? "http" : "exec"),
                    std::string(what) + " says nowhere what the new value is (write {to})");
    }
  }
  for (const auto& [name, values] : action.allow) {
    const std::string written = "label." + name;
    if (read.contains(written) || set.contains(written)) continue;
    loading.diagnostics.warning(action.place.file, action.place.of("allow"),
                                "no call of the action has {" + written + "}");
  }
}

}  // namespace tocsin::daemon
