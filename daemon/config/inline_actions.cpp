#include "inline_actions.hpp"

#include <set>

#include "load.hpp"
#include "tables.hpp"

namespace tocsin::daemon {

std::optional<actions::Settings> read_inline_actions(const core::YamlDocument& document,
                                                     const std::map<std::string, std::string>& environment,
                                                     core::Diagnostics& diagnostics) {
  LoadOptions options;
  options.environment = environment;
  options.require_secrets = false;
  const Loading loading{options, diagnostics};
  core::FieldReader reader(document.file, diagnostics, &options.environment);
  model::Root root;
  root_table().read(reader, document.root, root);
  if (diagnostics.has_errors()) return std::nullopt;
  Config config;
  std::set<std::string> names;
  for (const model::Action& section : root.actions) {
    if (!names.insert(section.name).second) {
      loading.error(section.place, section.place.of("name"), "the action \"" + section.name + "\" exists already");
    }
    config.actions.push_back(make_action(section, {}, loading));
  }
  check_conflicts(root.actions, loading);
  config.guard = root.guard;
  for (const model::Maintenance& window : root.maintenance) config.maintenance.push_back(make_maintenance(window));
  if (diagnostics.has_errors()) return std::nullopt;
  return make_settings(config);
}

}  // namespace tocsin::daemon
