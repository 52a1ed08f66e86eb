// The section of a job: rows that every kind has, and those that each kind brings.
#include <algorithm>
#include <set>

#include "config/digest.hpp"
#include "config/kinds/kind.hpp"
#include "config/tables.hpp"

namespace tocsin::daemon {

using core::Duration;
using core::field;
using core::FieldReader;
using core::maybe;
using core::section;
using core::Section;
using core::YamlNode;
using model::Probe;
using model::Target;

namespace {

std::string quoted_kinds() {
  std::string words;
  for (const Kind& kind : kinds()) words += (words.empty() ? "`" : ", `") + kind.name + "`";
  return words;
}

/// Text, or a map of `url` and keys of the section that hold for this target alone.
core::Type<Target> target_type() {
  core::Type<Target> type;
  const core::Type<std::string> text = core::text();
  type.shape = text.shape;
  type.shape.word = "text, or a map of `url` and keys of this table";
  YamlNode map =
      core::yaml_map({{"type", core::yaml_text("object")}, {"required", core::yaml_list({core::yaml_text("url")})}});
  type.shape.schema = core::yaml_map({{"anyOf", core::yaml_list({std::move(type.shape.schema), std::move(map)})}});
  type.read = [text](FieldReader& reader, const YamlNode& node, Target& into) {
    into.at = node.at;
    if (node.kind != YamlNode::Kind::map) return text.read(reader, node, into.text);
    const YamlNode* url = node.find("url");
    if (url == nullptr) {
      reader.error(node.at, "a target that is a map needs a \"url\"");
      return false;
    }
    auto keys = std::make_shared<YamlNode>(node);
    std::erase_if(keys->entries, [](const core::YamlEntry& entry) { return entry.first.scalar == "url"; });
    into.keys = std::move(keys);
    into.at = url->at;
    return text.read(reader, *url, into.text);
  };
  type.write = [](const Target& target) { return core::write_text(target.text); };
  return type;
}

Section<model::DnsSd> dns_sd_table() {
  using model::DnsSd;
  return Section<DnsSd>(
      "dns_sd", "Targets by the name service. For SRV records host and port come from the record.",
      {
          field("names", &DnsSd::names, core::list_of(core::text(), core::ListStyle::list_or_one))
              .doc("The names.")
              .required(),
          field("type", &DnsSd::type, core::choice<std::string>({{"SRV", "SRV"}, {"A", "A"}, {"AAAA", "AAAA"}}))
              .doc("What is asked for: SRV, A or AAAA."),
          field("port", &DnsSd::port).doc("The port of targets that come from A or AAAA records."),
          field("refresh_interval", &DnsSd::refresh_interval)
              .doc("How often the names are looked up.")
              .least(std::chrono::seconds{1}),
      });
}

Section<model::BudgetKeys> budget_table() {
  using model::BudgetKeys;
  using std::chrono::hours;
  return Section<BudgetKeys>(
      "budget", "What a plan sells. Targets that name the same `share` spend from one budget.",
      {
          field("commands", &BudgetKeys::commands, core::integer<std::uint64_t>(1))
              .doc("How many commands or requests.")
              .required(),
          field("per", &BudgetKeys::per,
                core::choice<Duration>({{"hour", hours{1}}, {"day", hours{24}}, {"month", hours{24 * 30}}}))
              .doc("In which time: `hour`, `day` (from midnight UTC) or `month` (30 days)."),
          field("share", &BudgetKeys::share)
              .doc("The plan's name.")
              .fallback("the job's name: its targets share one budget"),
      });
}

std::vector<core::Field<Probe>> common_rows() {
  std::vector<core::Field<Probe>> rows{
      field("job", &Probe::job).doc("The job's name: the label `job`.").required().check([](const std::string& job) {
        return job.empty() ? std::optional<std::string>("must not be empty") : std::nullopt;
      }),
      field("kind", &Probe::kind).doc("One of " + quoted_kinds() + ".").fallback("what the URL's scheme says"),
      field("module", &Probe::module)
          .doc("A module of blackbox_exporter (see `blackbox_modules`): what it says holds unless a key of this table "
               "says otherwise. Its prober is the kind."),
      field("targets", &Probe::targets, core::list_of(target_type(), core::ListStyle::list_or_one))
          .doc("URLs; the scheme says the kind: `redis://host:port/db`, `rediss://` (TLS), `redis+unix:///path`, "
               "`http://`, `https://`, `postgresql://host:port/db`, `tcp://host:port`, `dns://server/name`, "
               "`icmp://host` "
               "and so on (docs/probes.md). User and password in them are accepted, and shown nowhere."),
      field("target_file", &Probe::target_file, core::path())
          .doc("A file that holds one whole URL, password included, as providers hand it out. It is read "
               "when the configuration is."),
      field("interval", &Probe::interval)
          .doc("How often each target is asked.")
          .fallback("`global.probe_interval`")
          .least(shortest_interval)
          .most(longest_interval),
      field("timeout", &Probe::timeout)
          .doc("How long one answer may take; at most the interval.")
          .fallback("`global.probe_timeout`")
          .least(Duration{10}),
      field("confirm", &Probe::confirm)
          .doc("When a first failure is looked at again; at most the interval.")
          .fallback("`global.confirm`"),
      field("reconnect", &Probe::reconnect).doc("How long a connection is kept.").fallback("`global.reconnect`"),
      field("labels", &Probe::labels).doc("Labels that every sample of these targets gets."),
      field("file_sd", &Probe::file_sd, core::list_of(core::located(core::text()), core::ListStyle::list_or_one))
          .doc("Files with further targets, in Prometheus's file_sd format (JSON or YAML; `*` and `?` are understood). "
               "They are watched: what changes in them needs no reload. A target without a scheme gets the first one "
               "of the `kind`."),
      field("dns_sd", &Probe::dns_sd, core::list_of(section(dns_sd_table()), core::ListStyle::list_or_one))
          .doc("Names that are looked up for further targets. Needs a `kind`."),
      field("allow_targets", &Probe::allow_targets, core::list_of(regex(), core::ListStyle::list_or_one))
          .doc("Targets that may be asked for with `/probe?target=...&job=...` (RE2, anchored), as they are written "
               "there. Without it none may."),
      field("wake", &Probe::wake)
          .doc("`false`: the service sleeps when nobody asks it, and is not kept awake. It is asked so rarely that it "
               "can fall asleep in between (every fourfold `sleeps_after`), no connection is kept, and its last state "
               "stands meanwhile; `tocsin_probe_age_seconds` says how old it is.")
          .fallback("`true`"),
      field("sleeps_after", &Probe::sleeps_after)
          .doc("With `wake: false`: after how long without a question the service sleeps.")
          .fallback("`5m`")
          .least(std::chrono::seconds{1}),
      field("cold_start", &Probe::cold_start)
          .doc("With `wake: false`: how long an answer may take, since the service has to start first.")
          .fallback("`30s`")
          .least(Duration{10}),
      field("budget", &Probe::budget, maybe(section(budget_table())))
          .doc("How many commands or requests may be spent. The interval stretches so that they last for the period, "
               "and the last state stands in between; `tocsin_probe_age_seconds` says how old it is."),
      field("tls", &Probe::tls, maybe(section(tls_table()))).doc("How to speak TLS with them."),
      field("user", &Probe::user).doc("The ACL user."),
      field("password", &Probe::password, core::secret_text()).doc("The password."),
      field("password_file", &Probe::password, core::secret_file())
          .doc("A file that holds the password; it is read for every connection."),
      field("sentinel", &Probe::sentinel)
          .doc("Whether the idle connection is watched, so that a died process is noticed at once.")
          .fallback("`true`"),
  };
  return rows;
}

/// Says of a row for which kinds it is, unless it is for all.
void say_kinds(core::Field<Probe>& row) {
  const std::string words = kinds_with(row.doc.name);
  if (!words.empty()) row.doc.doc = "(" + words + ") " + row.doc.doc;
}

/// What a kind brought is written only where it is not the default: another kind would not take it.
void leave_defaults_out(core::Field<Probe>& row) {
  row.write = [write = row.write, fallback = core::write_yaml_inline(row.write(Probe{}))](const Probe& probe) {
    YamlNode node = write(probe);
    return core::write_yaml_inline(node) == fallback ? YamlNode{} : node;
  };
}

/// Keys that a later version will know.
std::vector<std::string> later_keys(const std::vector<core::Field<Probe>>& rows) {
  std::vector<std::string> later{"limits",  "key_lengths", "queries", "name",
                                 "brokers", "security",    "sasl",    "consumer_groups"};
  std::erase_if(later, [&rows](const std::string& key) {
    return std::any_of(rows.begin(), rows.end(), [&key](const auto& row) { return row.doc.name == key; });
  });
  return later;
}

}  // namespace

Section<Probe> probe_table() {
  std::vector<core::Field<Probe>> rows = common_rows();
  for (const Kind& kind : kinds()) {
    for (core::Field<Probe> row : kind.fields) {
      leave_defaults_out(row);
      rows.push_back(std::move(row));
    }
  }
  for (core::Field<Probe>& row : rows) say_kinds(row);
  auto later = later_keys(rows);
  auto table = Section<Probe>("probe", "A job: targets that are asked in the same way.", std::move(rows))
                   .exclusive({"password", "password_file"})
                   .later(std::move(later));
  std::set<std::vector<std::string>> told;  // kinds that share keys say the same of them
  for (const Kind& kind : kinds()) {
    for (const auto& keys : kind.exclusive) {
      if (told.insert(keys).second) static_cast<void>(std::move(table).exclusive(keys));  // in place
    }
  }
  return table;
}

namespace {

/// Gives each target that is a map its own section: the job's with the map's keys put over it.
bool overlay_targets(FieldReader& reader, const Section<Probe>& table, Probe& into) {
  bool good = true;
  for (Target& target : into.targets) {
    if (!target.keys) continue;
    Probe own = into;
    own.targets.clear();
    own.labels = {};
    good = table.read_over(reader, *target.keys, own) && good;
    for (const core::Label& label : into.labels) {
      if (!own.labels.has(label.name)) own.labels.set(label.name, label.value);
    }
    own.digest = into.digest + digest_of(*target.keys, "");
    target.own = std::make_shared<const Probe>(std::move(own));
  }
  return good;
}

}  // namespace

core::Type<Probe> probe_type() {
  const auto table = std::make_shared<const Section<Probe>>(probe_table());
  core::Type<Probe> type = section(*table);
  type.read = [table](FieldReader& reader, const YamlNode& node, Probe& into) {
    if (!table->read(reader, node, into)) return false;
    into.digest = digest_of(node, "targets");
    if (!into.module.empty()) into.node = std::make_shared<const YamlNode>(node);
    return overlay_targets(reader, *table, into);
  };
  return type;
}

bool put_over_module(FieldReader& reader, const Probe& module, Duration interval, Probe& into) {
  const auto table = probe_table();
  Probe whole = module;
  if (!table.read_over(reader, *into.node, whole)) return false;
  // A module may allow more time than there is between two probes here.
  if (!whole.place.has("timeout") && whole.timeout) {
    whole.timeout = std::min(*whole.timeout, whole.interval.value_or(interval));
  }
  whole.node = into.node;
  whole.digest = module.digest + into.digest;
  into = std::move(whole);
  return overlay_targets(reader, table, into);
}

}  // namespace tocsin::daemon
