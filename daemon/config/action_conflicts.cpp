// Actions that would work against each other.
#include <algorithm>
#include <map>

#include "action_tables.hpp"
#include "load.hpp"

namespace tocsin::daemon {
namespace {

using core::Matcher;
using model::Action;
using model::When;

/// Whether a label that one of them fixes is another in the other one.
bool excludes(const When& one, const When& other) {
  return std::any_of(one.matchers.begin(), one.matchers.end(), [&other](const Matcher& fixed) {
    return fixed.kind() == Matcher::Kind::equal &&
           std::any_of(other.matchers.begin(), other.matchers.end(), [&fixed](const Matcher& matcher) {
             return matcher.name() == fixed.name() && !matcher.matches(fixed.value());
           });
  });
}

/// Whether one alert can be meant by both.
bool may_be_same(const When& one, const When& other) {
  return one.alert == other.alert && !excludes(one, other) && !excludes(other, one);
}

/// Two rungs that stand the other way round in the other ladder.
std::optional<std::pair<std::string, std::string>> reversed(const std::vector<std::string>& one,
                                                            const std::vector<std::string>& other) {
  std::optional<std::size_t> before;
  for (const std::string& rung : one) {
    const auto it = std::find(other.begin(), other.end(), rung);
    if (it == other.end()) continue;
    const auto place = static_cast<std::size_t>(it - other.begin());
    if (before && place < *before) return std::pair(other[*before], rung);
    before = place;
  }
  return std::nullopt;
}

std::string called(const Action& action) {
  return "\"" + action.name + "\" (" + action.place.file->name + ", line " + std::to_string(action.place.at.line) + ")";
}

class Pair {
 public:
  Pair(const Action& first, const Action& second, const Loading& loading)
      : first_(first), second_(second), loading_(loading) {}

  void check() const {
    bounds();
    if (second_.down && may_be_same(first_.when, second_.down->when))
      against("down", "the alert that makes it smaller here makes it larger in the action ");
    if (first_.down && may_be_same(second_.when, first_.down->when))
      against("when", "the alert that makes it larger here makes it smaller in the action ");
  }

 private:
  void against(std::string_view key, const std::string& what) const {
    loading_.error(
        second_.place, second_.place.of(key),
        "two actions on the target \"" + second_.target + "\" in opposite directions: " + what + called(first_));
  }

  void bounds() const {
    if (first_.count.has_value() != second_.count.has_value()) {
      return against(second_.count ? "count" : "ladder",
                     "this one has a " + std::string(second_.count ? "count" : "ladder") + ", and not so the action ");
    }
    if (const auto rungs = reversed(first_.ladder, second_.ladder)) {
      return against("ladder", "\"" + rungs->second + "\" and \"" + rungs->first +
                                   "\" stand the other way round in the ladder of the action ");
    }
    if (first_.count && (first_.count->max < second_.count->min || second_.count->max < first_.count->min))
      against("count", "its bounds have no number in common with those of the action ");
  }

  const Action& first_;
  const Action& second_;
  const Loading& loading_;
};

}  // namespace

void check_conflicts(const std::vector<Action>& actions, const Loading& loading) {
  std::map<std::string, std::vector<const Action*>> targets;
  for (const Action& action : actions) {
    if (action.down && may_be_same(action.when, action.down->when)) {
      loading.error(action.place, action.place.of("down"),
                    "the same alert cannot ask for more and for less (" + to_string(action.when) + ")");
    }
    auto& others = targets[action.target];
    for (const Action* other : others) Pair(*other, action, loading).check();
    others.push_back(&action);
  }
}

}  // namespace tocsin::daemon
