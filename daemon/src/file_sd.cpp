#include "src/file_sd.hpp"

#include <utility>

#include "tocsin/core/yaml.hpp"

namespace tocsin::daemon {
namespace {

using core::YamlNode;

constexpr std::size_t most_targets = 100'000;

class Reader {
 public:
  explicit Reader(std::shared_ptr<const core::SourceFile> file) : file_(std::move(file)) {}

  core::Result<std::vector<FoundTarget>> read() {
    const core::YamlDocument document = core::parse_yaml(file_, diagnostics_);
    if (!diagnostics_.has_errors()) groups(document.root);
    if (!diagnostics_.has_errors()) return std::move(found_);
    std::string said = diagnostics_.all().front().render();
    return core::Failure{core::Outcome::protocol, core::Phase::parse, said.substr(0, said.find('\n'))};
  }

 private:
  bool want(const YamlNode& node, YamlNode::Kind kind, const std::string& what) {
    if (node.kind == kind) return true;
    diagnostics_.error(file_, node.at, what);
    return false;
  }

  void groups(const YamlNode& root) {
    if (root.kind == YamlNode::Kind::null) return;
    if (!want(root, YamlNode::Kind::list, "a file of targets is a list of {targets, labels}")) return;
    for (const YamlNode& group : root.items) {
      if (want(group, YamlNode::Kind::map, "a group of targets is a map of targets and labels")) read_group(group);
    }
  }

  void read_group(const YamlNode& group) {
    core::Labels labels;
    for (const auto& [key, value] : group.entries) {
      if (key.scalar == "labels") {
        read_labels(value, labels);
      } else if (key.scalar != "targets") {
        diagnostics_.error(file_, key.at, "unknown key \"" + key.scalar + "\" (a group has targets and labels)");
      }
    }
    const YamlNode* targets = group.find("targets");
    if (targets == nullptr || !want(*targets, YamlNode::Kind::list, "\"targets\" is a list")) return;
    for (const YamlNode& target : targets->items) {
      if (!want(target, YamlNode::Kind::scalar, "a target is text")) continue;
      if (found_.size() >= most_targets) return diagnostics_.error(file_, target.at, "more than 100000 targets");
      found_.push_back({target.scalar, labels});
    }
  }

  void read_labels(const YamlNode& node, core::Labels& labels) {
    if (node.kind == YamlNode::Kind::null || !want(node, YamlNode::Kind::map, "\"labels\" is a map")) return;
    for (const auto& [name, value] : node.entries) {
      if (!want(value, YamlNode::Kind::scalar, "a label's value is text")) continue;
      if (name.scalar.starts_with("__")) continue;
      if (!core::is_label_name(name.scalar)) {
        diagnostics_.error(file_, name.at, "\"" + name.scalar + "\" is not a label's name");
      } else {
        labels.set(name.scalar, value.scalar);
      }
    }
  }

  std::shared_ptr<const core::SourceFile> file_;
  core::Diagnostics diagnostics_;
  std::vector<FoundTarget> found_;
};

}  // namespace

core::Result<std::vector<FoundTarget>> parse_file_sd(std::shared_ptr<const core::SourceFile> file) {
  return Reader(std::move(file)).read();
}

}  // namespace tocsin::daemon
