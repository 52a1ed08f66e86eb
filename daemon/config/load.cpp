#include "load.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "files.hpp"
#include "kinds/kind.hpp"
#include "kinds/modules.hpp"
#include "tables.hpp"

namespace tocsin::daemon {
namespace {

using core::FieldReader;
using core::YamlNode;

/// A pack is for the kind that its name begins with; one of another name is on always.
bool kind_is_used(const std::string& pack, const std::vector<TargetConfig>& targets) {
  const std::string kind = pack.substr(0, pack.find('_'));  // redis, postgres_corrected
  if (find_kind(kind) == nullptr) return true;
  return std::any_of(targets.begin(), targets.end(), [&kind](const TargetConfig& target) {
    // What speaks under blackbox_exporter's names is judged by the same rules.
    const bool blackbox = kind == "http" && !find_kind(target.kind)->module.empty();
    return target.kind == kind || blackbox;
  });
}

class Loader {
 public:
  Loader(const LoadOptions& options, const std::vector<std::string>& known_packs, core::Diagnostics& diagnostics)
      : environment_(options.environment), known_packs_(known_packs), loading_{options, diagnostics} {
    // The service's folder of credentials is there in the service only; elsewhere its files are missing, and that is
    // all.
    if (!options.require_secrets) environment_.emplace("CREDENTIALS_DIRECTORY", "/run/credentials/tocsin.service");
  }

  std::optional<Config> load(const std::string& path) {
    const auto document = core::load_yaml(path, loading_.diagnostics);
    FieldReader reader(document.file, loading_.diagnostics, &environment_);
    model::Root root;
    root_table().read(reader, document.root, root);
    seen_files_.insert(reader.resolve(std::filesystem::path(path).filename().string()));
    read_files<model::Probe>(root.probe_files, reader, probe_type, "probes", root.probes);
    read_files<model::Action>(root.action_files, reader, action_type, "actions", root.actions);

    Config config;
    config.modules = known_modules();
    for (const auto& pattern : root.blackbox_modules) {
      for (const std::string& file : expand(pattern, reader)) {
        config.module_files.push_back(file);
        const auto modules = core::load_yaml(file, loading_.diagnostics);
        FieldReader own(modules.file, loading_.diagnostics);  // `$` means nothing in such a file
        read_modules(own, modules.root, config.modules);
      }
    }
    for (model::Probe& probe : root.probes) use_module(probe, root.global, config.modules);
    config.path = path;
    config.global = root.global;
    config.storage = root.storage;
    config.web = root.web;
    if (!config.web.config_file.empty())
      config.web.users = read_web_users(config.web.config_file, root.place, loading_);
    for (const model::Probe& probe : root.probes) {
      add_targets(probe, root.global, loading_, config.targets);
      config.jobs.push_back(make_job(probe));
    }
    check_shares(config.targets, root.probes);
    read_rules(root.rule_files, reader, config);
    choose_packs(root, reader, config);
    add_connectivity(root, config);
    add_alertmanagers(root, config);
    if (root.fallback) config.fallback = make_fallback(*root.fallback, loading_);
    if (root.heartbeat) config.heartbeat = make_heartbeat(*root.heartbeat, loading_);
    add_actions(root, config);
    config.guard = root.guard;
    for (const model::Maintenance& window : root.maintenance) config.maintenance.push_back(make_maintenance(window));
    if (root.probes.empty() && !loading_.diagnostics.has_errors()) reader.warning({}, "no probe is configured");
    if (loading_.diagnostics.has_errors()) return std::nullopt;
    return config;
  }

 private:
  /// Puts a job over the module that it names.
  void use_module(model::Probe& probe, const GlobalConfig& global, const std::vector<JobConfig>& modules) {
    if (probe.module.empty() || loading_.diagnostics.has_errors()) return;
    const JobConfig* module = find_module(modules, probe.module);
    if (module == nullptr) {
      std::vector<std::string_view> names;
      for (const JobConfig& known : modules) names.push_back(known.name);
      const auto near = core::nearest(probe.module, names);
      return loading_.error(probe.place, probe.place.of("module"),
                            "there is no module \"" + probe.module + "\"" +
                                (near.empty() ? "" : " (did you mean \"" + std::string(near) + "\"?)"));
    }
    FieldReader reader(probe.place.file, loading_.diagnostics, &environment_);
    put_over_module(reader, *module->section, global.probe_interval, probe);
  }

  /// A file of probes or of actions is a list, or a map with that list as its only key.
  template <class T>
  void read_files(const std::vector<core::Located<std::string>>& patterns, FieldReader& main,
                  const std::function<core::Type<T>()>& type, const std::string& key, std::vector<T>& into) {
    if (patterns.empty()) return;
    const auto list = core::list_of(type());
    for (const auto& pattern : patterns) {
      for (const std::string& path : expand(pattern, main)) {
        if (!seen_files_.insert(path).second) continue;
        const auto document = core::load_yaml(path, loading_.diagnostics);
        FieldReader reader(document.file, loading_.diagnostics, &environment_);
        const YamlNode* node = &document.root;
        if (node->kind == YamlNode::Kind::map) {
          for (const auto& [name, value] : node->entries) {
            if (name.scalar != key) {
              reader.error(name.at,
                           "unknown key \"" + name.scalar + "\" (this file is a list, or has \"" + key + "\" alone)");
            }
          }
          node = node->find(key);
          if (!node) continue;
        }
        std::vector<T> read;
        reader.enter(key);
        list.read(reader, *node, read);
        std::move(read.begin(), read.end(), std::back_inserter(into));
      }
    }
  }

  void read_rules(const std::vector<core::Located<std::string>>& patterns, FieldReader& reader, Config& config) {
    for (const auto& pattern : patterns) {
      for (const std::string& path : expand(pattern, reader)) {
        if (!seen_files_.insert(path).second) continue;
        auto text = read_file(path);
        if (text) {
          auto source = std::make_shared<const core::SourceFile>(core::SourceFile{path, std::move(*text)});
          config.rule_files.push_back({path, std::move(source)});
        } else {
          reader.error(pattern.at, "the rule file " + path + " cannot be read, or is larger than 16 MiB");
        }
      }
    }
  }

  void choose_packs(const model::Root& root, FieldReader& reader, Config& config) {
    if (!root.packs) {
      for (const std::string& pack : known_packs_) {
        if (kind_is_used(pack, config.targets)) config.packs.push_back(pack);
      }
      return;
    }
    for (const auto& [name, at] : *root.packs) {
      if (std::find(known_packs_.begin(), known_packs_.end(), name) == known_packs_.end()) {
        const auto near = core::nearest(name, {known_packs_.begin(), known_packs_.end()});
        reader.error(at, "there is no pack \"" + name + "\"" +
                             (near.empty() ? "" : " (did you mean \"" + std::string(near) + "\"?)"));
      } else if (std::find(config.packs.begin(), config.packs.end(), name) == config.packs.end()) {
        config.packs.push_back(name);
      }
    }
  }

  /// Who spends from one budget means the same one.
  void check_shares(const std::vector<TargetConfig>& targets, const std::vector<model::Probe>& probes) {
    std::map<std::string, BudgetConfig> shares;
    for (const TargetConfig& target : targets) {
      if (!target.budget) continue;
      const auto& [share, first] = *shares.emplace(target.budget->share, *target.budget).first;
      if (first.commands == target.budget->commands && first.per == target.budget->per) continue;
      const auto probe =
          std::find_if(probes.begin(), probes.end(), [&target](const model::Probe& p) { return p.job == target.job; });
      loading_.error(probe->place, probe->place.of("budget"),
                     "the budget \"" + share + "\" is another one in an earlier job (same commands, same period)");
      return;
    }
  }

  void add_connectivity(const model::Root& root, Config& config) {
    if (!root.connectivity) return;
    const model::Connectivity& section = *root.connectivity;
    config.connectivity.interval = section.interval;
    config.connectivity.timeout = section.timeout;
    for (const auto& [text, at] : section.targets) {
      auto target = make_target(config.global, text);
      if (!target) {
        loading_.error(section.place, at, target.error().detail);
        continue;
      }
      target->timeout = section.timeout;
      config.connectivity.targets.push_back(std::move(*target));
    }
  }

  void add_alertmanagers(const model::Root& root, Config& config) {
    std::set<std::string> urls;
    for (const model::Alertmanager& section : root.alertmanagers) {
      auto options = make_alertmanager(section, loading_);
      if (!options) continue;
      if (!urls.insert(options->url.display()).second) {
        loading_.error(section.place, section.place.of("url"), "this Alertmanager is configured twice");
      }
      config.alertmanagers.push_back(std::move(*options));
    }
  }

  void add_actions(const model::Root& root, Config& config) {
    std::map<std::string, core::Place> names;
    for (const model::Action& section : root.actions) {
      const auto [first, fresh] = names.emplace(section.name, section.place);
      if (!fresh) {
        loading_.error(section.place, section.place.of("name"),
                       "the action \"" + section.name + "\" exists already (" + first->second.file->name + ", line " +
                           std::to_string(first->second.at.line) + ")");
      }
      config.actions.push_back(make_action(section, root.storage.path, loading_));
      config.action_places.push_back(places_of(section));
    }
    check_conflicts(root.actions, loading_);
  }

  /// Where an action stands, with the keys of some of its parts.
  static core::Place places_of(const model::Action& section) {
    core::Place all = section.place;
    const auto add = [&all](const std::string& prefix, const core::Place& part) {
      for (const auto& [key, at] : part.keys) all.keys.emplace_back(prefix + key, at);
    };
    add("cooldown.", section.cooldown.place);
    add("verify.", section.verify.place);
    if (section.down) add("down.", section.down->place);
    return all;
  }

  FieldReader::Environment environment_;
  const std::vector<std::string>& known_packs_;
  Loading loading_;
  std::set<std::string> seen_files_;
};

}  // namespace

std::optional<Config> load_config(const std::string& path, const LoadOptions& options,
                                  const std::vector<std::string>& known_packs, core::Diagnostics& diagnostics) {
  return Loader(options, known_packs, diagnostics).load(path);
}

}  // namespace tocsin::daemon
