#include "config/kinds/modules.hpp"

#include <algorithm>
#include <memory>

#include "config/digest.hpp"
#include "config/kinds/kind.hpp"
#include "config/tables.hpp"

namespace tocsin::daemon {

using core::FieldReader;
using core::Section;
using core::YamlNode;
using model::Probe;

namespace {

constexpr std::string_view example = R"yaml(modules:
  http_2xx: {prober: http}
  http_post_2xx: {prober: http, http: {method: POST}}
  tcp_connect: {prober: tcp}
  pop3s_banner: {prober: tcp, tcp: {query_response: [{expect: "^+OK"}], tls: true}}
  grpc: {prober: grpc, grpc: {tls: true, preferred_ip_protocol: ip4}}
  grpc_plain: {prober: grpc, grpc: {tls: false, service: service1}}
  ssh_banner: {prober: tcp, tcp: {query_response: [{expect: "^SSH-2.0-"}, {send: SSH-2.0-blackbox-ssh-check}]}}
  irc_banner:
    prober: tcp
    tcp:
      query_response:
        - {send: NICK prober}
        - {send: "USER prober prober prober :prober"}
        - {expect: "PING :([^ ]+)", send: "PONG ${1}"}
        - {expect: "^:[^ ]+ 001"}
  icmp: {prober: icmp}
  icmp_ttl5: {prober: icmp, timeout: 5s, icmp: {ttl: 5}}
)yaml";

/// The names of the probers of blackbox_exporter that are known here, as a list in words.
std::string probers() {
  std::string words;
  for (const Kind& kind : kinds()) {
    if (!kind.module.empty()) words += (words.empty() ? "" : ", ") + kind.name;
  }
  return words;
}

const Kind* prober_of(const YamlNode& module) {
  const YamlNode* name = module.find("prober");
  const Kind* kind = name == nullptr ? nullptr : find_kind(name->scalar);
  return kind == nullptr || kind->module.empty() ? nullptr : kind;
}

/// A key that may be there and says nothing here.
core::Field<Probe> ignored_row(std::string name) {
  core::Field<Probe> row;
  row.doc.name = std::move(name);
  row.read = [](FieldReader&, const YamlNode&, Probe&) { return true; };
  row.write = [](const Probe&) { return YamlNode{}; };
  return row;
}

core::Field<Probe> section_row(const Kind& kind) {
  const auto table = std::make_shared<const Section<Probe>>(kind.name, "", kind.module);
  core::Field<Probe> row = ignored_row(kind.name);
  row.read = [table](FieldReader& reader, const YamlNode& node, Probe& probe) {
    return table->read(reader, node, probe);
  };
  return row;
}

/// As in blackbox_exporter, the sections of other probers may stand there, and say nothing.
Section<Probe> module_table(const Kind& kind) {
  std::vector<core::Field<Probe>> rows{ignored_row("prober"), core::field("timeout", &Probe::timeout),
                                       section_row(kind)};
  for (const char* other : {"http", "tcp", "icmp", "dns", "grpc", "unix", "websocket"}) {
    if (other != kind.name) rows.push_back(ignored_row(other));
  }
  return {"module", "", std::move(rows)};
}

void put(std::vector<JobConfig>& modules, JobConfig module) {
  const auto same = std::find_if(modules.begin(), modules.end(),
                                 [&module](const JobConfig& other) { return other.name == module.name; });
  if (same == modules.end()) {
    modules.push_back(std::move(module));
  } else {
    *same = std::move(module);
  }
}

void read_module(FieldReader& reader, const std::string& name, const YamlNode& node, std::vector<JobConfig>& into) {
  if (!core::fields::want(reader, node, YamlNode::Kind::map, "a map")) return;
  const Kind* kind = prober_of(node);
  if (kind == nullptr) {
    const YamlNode* prober = node.find("prober");
    return reader.error(prober == nullptr ? node.at : prober->at,
                        "the module \"" + name + "\" needs a \"prober\" that is one of " + probers());
  }
  Probe probe;
  probe.blackbox.given = true;
  if (!module_table(*kind).read(reader, node, probe)) return;
  probe.kind = kind->name;
  probe.job = name;
  probe.digest = digest_of(node, "");
  JobConfig module;
  module.name = name;
  module.section = std::make_shared<const Probe>(std::move(probe));
  put(into, std::move(module));
}

}  // namespace

void read_modules(FieldReader& reader, const YamlNode& root, std::vector<JobConfig>& into) {
  if (root.kind == YamlNode::Kind::null) return;
  if (!core::fields::want(reader, root, YamlNode::Kind::map, "a map")) return;
  for (const auto& [key, value] : root.entries) {
    if (key.scalar != "modules") {
      reader.error(key.at, "unknown key \"" + key.scalar + "\" (a file of blackbox_exporter has \"modules\" alone)");
    } else if (core::fields::want(reader, value, YamlNode::Kind::map, "a map of modules")) {
      for (const auto& [name, module] : value.entries) {
        const std::string outer = reader.enter(name.scalar);
        read_module(reader, name.scalar, module, into);
        reader.enter(outer);
      }
    }
  }
}

std::vector<JobConfig> known_modules() {
  core::Diagnostics ignored;
  const auto document = core::parse_yaml(
      std::make_shared<const core::SourceFile>(core::SourceFile{"blackbox.yml", std::string(example)}), ignored);
  FieldReader reader(document.file, ignored);
  std::vector<JobConfig> modules;
  for (const auto& [name, module] : document.root.find("modules")->entries) {
    if (prober_of(module) != nullptr) read_module(reader, name.scalar, module, modules);
  }
  return modules;
}

const JobConfig* find_module(const std::vector<JobConfig>& modules, std::string_view name) {
  const auto it =
      std::find_if(modules.begin(), modules.end(), [name](const JobConfig& module) { return module.name == name; });
  return it == modules.end() ? nullptr : &*it;
}

core::Field<Probe> unsupported_row(std::string name, std::string why) {
  core::Field<Probe> row = ignored_row(std::move(name));
  row.read = [why = std::move(why)](FieldReader& reader, const YamlNode& node, Probe&) {
    reader.key_error(node.at, why);
    return false;
  };
  return row;
}

std::vector<core::Field<Probe>> ip_module_rows() {
  const auto version = core::choice<bool>({{"ip4", false}, {"ip6", true}});
  return {module_row<bool>("preferred_ip_protocol", version,
                           std::function([](Probe& probe, bool v6) { probe.blackbox.prefer_v6 = v6; })),
          module_row<bool>("ip_protocol_fallback", core::boolean(),
                           std::function([](Probe& probe, bool given) { probe.blackbox.fallback = given; }))};
}

core::Field<Probe> tls_module_row() {
  return core::field("tls_config", &Probe::tls, core::maybe(core::section(tls_table())));
}

}  // namespace tocsin::daemon
