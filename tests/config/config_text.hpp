// A configuration as text, loaded: what came of it, and what was said.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "support/temp_dir.hpp"
#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon {

struct ConfigText {
  /// A file `f` stands beside it, and whatever `files` names.
  explicit ConfigText(const std::string& text, std::map<std::string, std::string> environment = {},
                      const std::map<std::string, std::string>& files = {}, bool require_secrets = true) {
    folder = dir.path().string();
    dir.write("f", "secret-of-the-file\n");
    for (const auto& [name, content] : files) dir.write(name, content);
    const std::string probe = "probes: [{job: j, targets: redis://h}]\n";
    core::Diagnostics diagnostics;
    config = load_config(dir.write("t.yml", text.find("probes:") == std::string::npos ? probe + text : text),
                         LoadOptions{std::move(environment), require_secrets}, {"http", "redis"}, diagnostics);
    said = diagnostics.render();
  }

  test::TempDir dir;
  std::string folder;
  std::optional<Config> config;
  std::string said;
};

}  // namespace tocsin::daemon
