// How a platform is asked and told: the tables of commands, requests and objects in Kubernetes.
#include <re2/re2.h>

#include <algorithm>

#include "action_tables.hpp"
#include "tables.hpp"
#include "tocsin/core/json_path.hpp"

namespace tocsin::daemon {

using core::field;
using core::FieldReader;
using core::list_of;
using core::maybe;
using core::Place;
using core::section;
using core::Section;

namespace {

using Problem = std::optional<std::string>;

/// A command: a list, since no shell takes it apart.
core::Type<std::vector<std::string>> command() {
  auto type = list_of(core::text());
  type.read = [read = type.read](FieldReader& reader, const core::YamlNode& node, std::vector<std::string>& into) {
    if (node.kind == core::YamlNode::Kind::scalar) {
      reader.key_error(node.at,
                       "is a list, since there is no shell that would take it apart (write [command, argument])");
      return false;
    }
    if (!read(reader, node, into)) return false;
    if (!into.empty() && !into.front().empty()) return true;
    reader.key_error(node.at, "needs a command");
    return false;
  };
  return type;
}

Problem one_group(const std::string& regex) {
  Problem problem = regex_problem(regex);
  if (!problem && re2::RE2(regex).NumberOfCapturingGroups() != 1) problem = "needs one group in parentheses, exactly";
  return problem;
}

/// Each {...} of a format is a path in JSON.
Problem format_problem(const std::string& format) {
  bool any = false;
  for (std::size_t brace = format.find('{'); brace != std::string::npos; brace = format.find('{', brace + 1)) {
    const std::size_t end = format.find('}', brace);
    if (end == std::string::npos) return "has a brace that is not closed";
    if (auto problem = json_path_problem(format.substr(brace + 1, end - brace - 1)))
      return "has a path in braces that " + *problem;
    any = true;
  }
  return any ? std::nullopt : Problem("needs a path in braces, such as {$.size}");
}

/// `true`, or not written at all.
core::Type<bool> flag() {
  core::Type<bool> type = core::boolean();
  type.write = [write = type.write](const bool& value) { return value ? write(value) : core::YamlNode{}; };
  return type;
}

std::vector<core::Field<model::ExtractSpec>> extract_rows() {
  using model::ExtractSpec;
  return {field("json", &ExtractSpec::json)
              .doc("A path in the output, which is JSON: `$.a[0].b`.")
              .check(json_path_problem),
          field("regex", &ExtractSpec::regex)
              .doc("A regular expression (RE2) with one group: the group is the value.")
              .check(one_group)};
}

Section<model::ExtractSpec> extract_table() {
  using model::ExtractSpec;
  auto rows = extract_rows();
  rows.push_back(field("format", &ExtractSpec::format)
                     .doc("A text in which paths in braces stand for what they find: `{$[0].kind}-{$[0].size}`.")
                     .check(format_problem));
  rows.push_back(field("lines", &ExtractSpec::lines, flag()).doc("`true`: how many lines are not blank."));
  return Section<ExtractSpec>("extract", "Where in an output the value stands.", std::move(rows))
      .exclusive({"json", "regex", "format", "lines"})
      .check([](FieldReader& reader, const Place& place, const ExtractSpec& value) {
        if (value.json.empty() && value.regex.empty() && value.format.empty() && !value.lines)
          reader.error(place.at, "\"json\", \"regex\", \"format\" or \"lines\" is needed here");
      });
}

Section<model::ExtractSpec> ready_table() {
  using model::ExtractSpec;
  auto rows = extract_rows();
  rows.push_back(field("is", &ExtractSpec::is).doc("What must stand there.").required());
  return Section<ExtractSpec>("ready", "What an output must say before anything is changed.", std::move(rows))
      .exclusive({"json", "regex"})
      .check([](FieldReader& reader, const Place& place, const ExtractSpec&) {
        if (!place.has("json") && !place.has("regex")) reader.error(place.at, "\"json\" or \"regex\" is needed here");
      });
}

Section<model::HttpRequest> request_table(const std::string& name, const std::string& doc,
                                          const std::vector<std::string>& methods) {
  using model::HttpRequest;
  std::vector<std::pair<std::string, std::string>> choices;
  for (const std::string& method : methods) choices.emplace_back(method, method);
  return Section<HttpRequest>(
      name, doc,
      {
          field("url", &HttpRequest::url).doc("The URL. Placeholders may stand in its path and its query.").required(),
          field("method", &HttpRequest::method, core::choice<std::string>(choices))
              .doc("The method.")
              .fallback("`" + methods.front() + "`"),
          field("headers", &HttpRequest::headers, core::map_of(section(header_table()), "name"))
              .doc("Headers that are sent."),
          field("authorization", &HttpRequest::authorization, maybe(section(authorization_table()))).doc("A token."),
          field("body", &HttpRequest::body).doc("What is sent."),
          field("status", &HttpRequest::status,
                list_of(core::integer<unsigned>(100, 599), core::ListStyle::list_or_one))
              .doc("The statuses that are good.")
              .fallback("200 to 299"),
          field("tls", &HttpRequest::tls, maybe(section(tls_table()))).doc("How to speak TLS with it."),
      });
}

/// A variable in place or in a file. What is given in place is shown, unless its name speaks of a secret.
Section<model::Header> variable_table() {
  core::Type<core::SecretSource> in_place = core::secret_text();
  in_place.shape = core::text().shape;
  in_place.read = [text = core::text()](FieldReader& reader, const core::YamlNode& node, core::SecretSource& into) {
    std::string value;
    if (!text.read(reader, node, value)) return false;
    if (value.find('\0') != std::string::npos) {
      reader.key_error(node.at, "has a zero byte");
      return false;
    }
    into.value = core::Secret(std::move(value));
    return true;
  };
  return Section<model::Header>("variable", "A variable's value, in place or in a file.",
                                {field("value", &model::Header::value, in_place).doc("The value."),
                                 field("file", &model::Header::value, core::secret_file())
                                     .doc("A file with the value; it is read for every call.")})
      .exclusive({"value", "file"})
      .shorthand("value")
      .check([](FieldReader& reader, const Place& place, const model::Header&) {
        if (place.keys.empty()) reader.error(place.at, "a variable needs a value, or a \"file\" that has it");
      });
}

core::YamlNode write_variable(const std::string& name, const core::SecretSource& source) {
  if (!source.file.empty()) return core::yaml_map({{"file", core::write_text(source.file)}});
  return core::names_a_secret(name) ? core::yaml_text("<secret>") : core::write_text(source.value.reveal());
}

}  // namespace

core::Type<std::vector<std::pair<std::string, model::Header>>> environment() {
  auto type = core::map_of(section(variable_table()), "variable");
  type.read = [read = type.read](FieldReader& reader, const core::YamlNode& node, auto& into) {
    bool good = true;
    for (const auto& [name, value] : node.entries) {
      if (core::names_a_secret(name.scalar)) {
        const core::YamlNode* in_place = value.find("value");
        reader.conceal(in_place ? in_place->at : value.at);
      }
      if (core::is_label_name(name.scalar)) continue;
      reader.key_error(
          name.at, "has \"" + name.scalar + "\", which is no variable's name (letters, digits and _, no digit first)");
      good = false;
    }
    return read(reader, node, into) && good;
  };
  type.write = [](const auto& pairs) {
    std::vector<std::pair<std::string, core::YamlNode>> entries;
    for (const auto& [name, value] : pairs) entries.emplace_back(name, write_variable(name, value.value));
    return entries.empty() ? core::YamlNode{} : core::yaml_map(std::move(entries));
  };
  return type;
}

Section<model::Read> read_table() {
  using model::Read;
  return Section<Read>(
             "read", "How the present value is found out. Runs in every mode, so it must change nothing.",
             {
                 field("exec", &Read::exec, command())
                     .doc("A command; `{target}` stands for the target, `{label.NAME}` for a label of the alert."),
                 field("http", &Read::http,
                       maybe(section(
                           request_table("read_http", "A request that finds out the present value.", {"GET", "POST"}))))
                     .doc("A request instead."),
                 field("extract", &Read::extract, maybe(section(extract_table())))
                     .doc("Where in the output the value stands.")
                     .fallback("all of it, trimmed"),
                 field("ready", &Read::ready, maybe(section(ready_table())))
                     .doc("What must be so before anything is changed."),
             })
      .exclusive({"exec", "http"})
      .check([](FieldReader& reader, const Place& place, const Read&) {
        if (!place.has("exec") && !place.has("http")) reader.error(place.at, "read needs \"exec\" or \"http\"");
      });
}

Section<model::Set> set_table() {
  using model::Set;
  return Section<Set>(
             "set", "How the value is changed.",
             {field("exec", &Set::exec, command())
                  .doc("A command. `{from}`, `{to}` and `{target}` stand for the values, `{id}` for the run's "
                       "id, `{key}` for a number that grows with every run, `{label.NAME}` for a label of the "
                       "alert."),
              field("http", &Set::http,
                    maybe(section(request_table(
                        "set_http", "A request that changes the value. It carries the run's id as `Idempotency-Key`.",
                        {"POST", "PUT", "PATCH", "DELETE"}))))
                  .doc("A request instead. The placeholders may stand in its path, query and body.")})
      .exclusive({"exec", "http"})
      .check([](FieldReader& reader, const Place& place, const Set&) {
        if (!place.has("exec") && !place.has("http")) reader.error(place.at, "set needs \"exec\" or \"http\"");
      });
}

Section<model::Kubernetes> kubernetes_table() {
  using model::Kubernetes;
  return Section<Kubernetes>(
             "kubernetes",
             "The number of replicas of one object, by its scale subresource. A change carries the resourceVersion "
             "that "
             "was read, so nobody else's change is lost. Needs `get` and `update` on `deployments/scale` (or of what "
             "else it is). With neither `server` nor `kubeconfig`: the cluster that tocsin runs in, by its service "
             "account.",
             {
                 field("deployment", &Kubernetes::deployment).doc("The deployment's name."),
                 field("statefulset", &Kubernetes::statefulset).doc("Or the stateful set's."),
                 field("replicaset", &Kubernetes::replicaset).doc("Or the replica set's."),
                 field("namespace", &Kubernetes::space)
                     .doc("The namespace.")
                     .fallback("the context's, the service account's, or `default`"),
                 field("server", &Kubernetes::server).doc("The API server: `https://host:6443`."),
                 field("token", &Kubernetes::token, core::secret_text()).doc("The token."),
                 field("token_file", &Kubernetes::token, core::secret_file())
                     .doc("A file that holds the token; it is read for every call."),
                 field("ca_file", &Kubernetes::ca_file, core::path()).doc("The certificates that are trusted."),
                 field("tls", &Kubernetes::tls, maybe(section(tls_table())))
                     .doc("How to speak TLS with it, where `ca_file` is not all."),
                 field("kubeconfig", &Kubernetes::kubeconfig, core::path())
                     .doc("A kubeconfig instead: server, certificates and token of its context. Read at a start and at "
                          "a "
                          "reload."),
                 field("context", &Kubernetes::context).doc("Its context.").fallback("its `current-context`"),
             })
      .exclusive({"deployment", "statefulset", "replicaset"})
      .exclusive({"server", "kubeconfig"})
      .exclusive({"token", "token_file"})
      .exclusive({"ca_file", "tls"})
      .check([](FieldReader& reader, const Place& place, const Kubernetes& value) {
        for (const std::string* name : {&value.deployment, &value.statefulset, &value.replicaset}) {
          if (!name->empty() && (!may_be_argument(*name) || name->find('/') != std::string::npos))
            reader.error(place.at, "\"" + *name + "\" is no name of an object");
        }
        if (value.deployment.empty() && value.statefulset.empty() && value.replicaset.empty())
          reader.error(place.at, "kubernetes needs a \"deployment\", a \"statefulset\" or a \"replicaset\"");
        if (place.has("context") && !place.has("kubeconfig"))
          reader.error(place.of("context"), "\"context\" needs a \"kubeconfig\"");
      });
}

}  // namespace tocsin::daemon
