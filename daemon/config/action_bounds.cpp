// How far an action may go, how often, and what makes it stop: the tables of its bounds and of the guard over all.
#include <algorithm>
#include <charconv>

#include "action_tables.hpp"
#include "tables.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::daemon {

using core::Duration;
using core::field;
using core::FieldReader;
using core::maybe;
using core::Place;
using core::Section;

namespace {

using Problem = std::optional<std::string>;

core::Type<actions::RateLimit> rate_limit() {
  return core::text_as<actions::RateLimit>(
      "number/duration", "^[0-9]+/[0-9a-z]+$",
      [](const std::string& text) -> std::variant<actions::RateLimit, std::string> {
        const auto slash = text.find('/');
        actions::RateLimit limit;
        const auto [end, ec] = std::from_chars(text.data(), text.data() + std::min(slash, text.size()), limit.count);
        const auto window = slash == std::string::npos ? std::nullopt : core::parse_duration(text.substr(slash + 1));
        if (ec != std::errc() || end != text.data() + slash || !window || limit.count == 0 || window->count() == 0) {
          return "is a number and a duration such as 3/1h, not \"" + text + "\"";
        }
        limit.window = *window;
        return limit;
      },
      [](const actions::RateLimit& limit) {
        return std::to_string(limit.count) + "/" + core::format_duration(limit.window);
      });
}

/// `50%`, kept as 50.
core::Type<double> percent() {
  return core::text_as<double>(
      "percent", "^[0-9.]+%$",
      [](const std::string& text) -> std::variant<double, std::string> {
        const auto number = text.ends_with('%')
                                ? core::parse_number<double>(std::string_view(text).substr(0, text.size() - 1))
                                : std::nullopt;
        if (number && *number > 0 && *number <= 1000) return *number;
        return "is a part in percent such as 50%, not \"" + text + "\"";
      },
      [](const double& value) {
        std::array<char, 32> digits{};
        const auto [end, ec] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
        return std::string(digits.data(), end) + "%";
      });
}

/// How many at a time: 1 is not written, since it stands for what else may say how many.
core::Type<std::int64_t> step() {
  auto type = core::integer<std::int64_t>(1);
  type.write = [write = type.write](const std::int64_t& value) { return value == 1 ? core::YamlNode{} : write(value); };
  return type;
}

void check_count(FieldReader& reader, const Place& place, const actions::CountSpec& count) {
  if (count.min >= count.max) reader.error(place.of("max"), "\"max\" must be more than \"min\"");
  if (!count.of.empty() && !count.target_value) reader.error(place.of("of"), "\"of\" needs a \"target_value\"");
  if (count.max_step && !count.target_value && !count.percent && *count.max_step < count.step)
    reader.error(place.of("max_step"), "\"max_step\" is less than \"step\"");
}

}  // namespace

std::optional<std::string> ladder_problem(const std::vector<std::string>& ladder) {
  if (ladder.size() < 2) return "needs two rungs at least";
  for (auto rung = ladder.begin(); rung != ladder.end(); ++rung) {
    if (std::find(ladder.begin(), rung, *rung) != rung) return "has \"" + *rung + "\" twice";
    if (!may_be_argument(*rung))
      return "has \"" + *rung + "\", which cannot stand in a command " + std::string(argument_rule);
  }
  return std::nullopt;
}

Section<actions::CountSpec> count_table() {
  using actions::CountSpec;
  return Section<CountSpec>(
             "count", "A number of instances, between bounds.",
             {
                 field("min", &CountSpec::min, core::integer<std::int64_t>(0)).doc("Never fewer than this.").required(),
                 field("max", &CountSpec::max, core::integer<std::int64_t>(1)).doc("Never more than this.").required(),
                 field("step", &CountSpec::step, step()).doc("So many are added at a time.").fallback("`1`"),
                 field("percent", &CountSpec::percent, maybe(percent()))
                     .doc("Instead: this part of the present number is added at a time, rounded up."),
                 field("target_value", &CountSpec::target_value)
                     .doc("Instead: what one instance carries. The wanted number is the value divided by this, rounded "
                          "up.")
                     .check([](const std::optional<double>& value) {
                       return *value > 0 ? std::nullopt : Problem("must be more than 0");
                     }),
                 field("of", &CountSpec::of)
                     .doc("PromQL that gives the value which `target_value` divides.")
                     .fallback("the alert's value"),
                 field("tolerance", &CountSpec::tolerance, core::ratio())
                     .doc("While the value is so near to what the present number carries, nothing is done.")
                     .check([](const double& value) {
                       return value >= 0 && value < 1 ? std::nullopt : Problem("is a part of 1, such as 0.1 or 10%");
                     }),
                 field("max_step", &CountSpec::max_step, maybe(core::integer<std::int64_t>(1)))
                     .doc("No change is larger than this, whatever is wanted.")
                     .fallback("no limit but `min` and `max`"),
             })
      .exclusive({"step", "percent", "target_value"})
      .check(check_count);
}

Section<model::Down> down_table() {
  return Section<model::Down>(
      "down",
      "When a target is made smaller again. Without it an action only makes it larger. Where several actions share a "
      "target, all of them must agree.",
      {
          field("when", &model::Down::when, when()).doc("The alert that says that less would do.").required(),
          field("step", &model::Down::step, step())
              .doc("So many are taken away at a time. With a `target_value` its formula says how many; a ladder goes "
                   "one rung down.")
              .fallback("`1`"),
      });
}

Section<model::Stabilization> stabilization_table() {
  using model::Stabilization;
  return Section<Stabilization>(
      "stabilization",
      "How long a wish must last: the least that was wanted in that time is added, and no "
      "less is left than the most that was wanted in it.",
      {field("up", &Stabilization::up).doc("For growth.").most(std::chrono::hours{24}),
       field("down", &Stabilization::down).doc("For shrinking.").most(std::chrono::hours{24})});
}

Section<model::Cooldown> cooldown_table() {
  return Section<model::Cooldown>("cooldown", "How long a target is left alone after a change.",
                                  {field("up", &model::Cooldown::up).doc("Before it may grow."),
                                   field("down", &model::Cooldown::down).doc("Before it may shrink.")});
}

Section<model::Limits> limits_table() {
  return Section<model::Limits>(
      "limits", "How many changes are made in a time at most.",
      {field("per_target", &model::Limits::per_target, maybe(rate_limit()))
           .doc("Of this action on its target, such as `3/1h`."),
       field("all", &model::Limits::all, maybe(rate_limit())).doc("Of all actions together.")});
}

Section<model::Verify> verify_table() {
  return Section<model::Verify>("verify", "Whether a change helped.",
                                {field("clears_within", &model::Verify::clears_within)
                                     .doc("The alert must resolve in this time after the change.")
                                     .least(std::chrono::seconds{1})});
}

Section<model::Breaker> breaker_table() {
  return Section<model::Breaker>("breaker", "When an action that does not help is given up.",
                                 {field("after", &model::Breaker::after, core::integer<unsigned>(1))
                                      .doc("After so many changes in a row that failed or did not help. `tocsin "
                                           "actions rearm` takes it up again.")});
}

Section<model::Approve> approve_table() {
  return Section<model::Approve>(
      "approve", "Who says yes to an action whose mode is `approve`, and until when.",
      {field("within", &model::Approve::within)
           .doc("A proposal that nobody approves in this time lapses.")
           .least(std::chrono::seconds{10})
           .most(std::chrono::hours{7 * 24}),
       field("by", &model::Approve::by, core::list_of(core::text(), core::ListStyle::list_or_one))
           .doc("The names of those who may: users of this machine over the local socket, users of `web.config_file` "
                "over HTTP.")
           .fallback("everybody who may give orders")});
}

Section<actions::Guard> guard_table() {
  using actions::Guard;
  return Section<Guard>("guard", "What holds for all actions together.",
                        {
                            field("targets", &Guard::targets, maybe(rate_limit()))
                                .doc("So many different targets are changed in a time at most, such as `5/1h`."),
                            field("changes", &Guard::changes, maybe(rate_limit()))
                                .doc("So many changes are made in a time at most, such as `20/1h`."),
                            field("per_month", &Guard::per_month, maybe(core::integer<unsigned>(1)))
                                .doc("So many changes are made in 30 days at most: a ceiling on what it may cost."),
                            field("breaching", &Guard::breaching, core::ratio())
                                .doc("While more than this part of the targets that are probed fails at once, the "
                                     "monitor suspects itself: "
                                     "nothing is changed.")
                                .check([](const double& value) {
                                  return value > 0 && value <= 1 ? std::nullopt : Problem("is a part such as 50%");
                                }),
                            field("breaching_at_least", &Guard::breaching_at_least, core::integer<std::size_t>(1))
                                .doc("And at least so many of them."),
                        });
}

}  // namespace tocsin::daemon
