#include "config/relabel.hpp"

#include <utility>

namespace tocsin::daemon {

using core::field;
using core::RelabelRule;

namespace {

core::Type<RelabelRule::Action> action() {
  using Action = RelabelRule::Action;
  std::vector<std::pair<std::string, Action>> words;
  for (const Action one :
       {Action::replace, Action::keep, Action::drop, Action::keep_equal, Action::drop_equal, Action::hash_mod,
        Action::label_map, Action::label_drop, Action::label_keep, Action::lowercase, Action::uppercase}) {
    words.emplace_back(std::string(to_string(one)), one);
  }
  return core::choice<Action>(std::move(words));
}

}  // namespace

core::Section<RelabelRule> relabel_table() {
  return core::Section<RelabelRule>(
             "relabel_config", "A rule that changes labels, word for word as Prometheus has it.",
             {
                 field("source_labels", &RelabelRule::source_labels).doc("Labels whose values are joined."),
                 field("separator", &RelabelRule::separator).doc("What stands between them."),
                 field("regex", &RelabelRule::regex)
                     .doc("What the joined values, or the labels' names, must match as a whole (RE2)."),
                 field("modulus", &RelabelRule::modulus).doc("Of `hashmod`."),
                 field("target_label", &RelabelRule::target_label).doc("The label that is set."),
                 field("replacement", &RelabelRule::replacement).doc("What it is set to: `$1` is the first group."),
                 field("action", &RelabelRule::action, action()).doc("What is done."),
             })
      .check([](core::FieldReader& reader, const core::Place& place, const RelabelRule& rule) {
        if (const auto problem = core::relabel_problem(rule)) reader.error(place.at, *problem);
      });
}

core::Type<std::vector<RelabelRule>> relabel_rules() { return core::list_of(core::section(relabel_table())); }

}  // namespace tocsin::daemon
