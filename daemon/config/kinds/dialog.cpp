#include "config/kinds/dialog.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "config/kinds/modules.hpp"
#include "config/tables.hpp"

namespace tocsin::daemon {

using core::field;
using core::FieldReader;
using core::list_of;
using core::map_of;
using core::Place;
using core::Section;
using core::section;
using probes::DialogStep;
using Labels = std::vector<std::pair<std::string, std::string>>;

namespace {

std::optional<std::string> wrong_labels(const Labels& labels) {
  for (const auto& [name, value] : labels) {
    if (!core::is_label_name(name) || name.starts_with("__")) return "has \"" + name + "\", which cannot be a label";
  }
  return std::nullopt;
}

void check_step(FieldReader& reader, const Place& place, const DialogStep& step) {
  if (step.expect.empty() && !step.labels.empty())
    reader.error(place.of("labels"), "\"labels\" need an \"expect\" in the same step");
  if (!step.expect.empty() && !step.expect_bytes.empty())
    reader.error(place.of("expect_bytes"), "a step has \"expect\" or \"expect_bytes\", not both");
}

}  // namespace

Section<DialogStep> dialog_table() {
  return Section<DialogStep>(
             "step",
             "A step of a dialog: first what is expected is waited for, then something is sent, then TLS begins.",
             {
                 field("expect", &DialogStep::expect, regex())
                     .doc("TCP: lines are read until one matches (RE2, not anchored). WebSocket: the next message must "
                          "match."),
                 field("expect_bytes", &DialogStep::expect_bytes).doc("TCP: the next bytes must be these."),
                 field("labels", &DialogStep::labels, map_of(core::text(), "name"))
                     .doc("TCP: labels of `probe_expect_info`; `$1` and `$name` stand for groups of `expect`. (In "
                          "braces: `$${1}`, as `${...}` is a variable of the environment.)")
                     .check(wrong_labels),
                 field("send", &DialogStep::send)
                     .doc("What is sent, with groups of `expect` as above. Over TCP a line end follows it."),
                 field("starttls", &DialogStep::start_tls).doc("TCP: TLS begins here."),
             })
      .check(check_step);
}

core::Type<net::Endpoint> address_type() {
  const auto parse = [](const std::string& text) -> std::variant<net::Endpoint, std::string> {
    net::Endpoint address;
    if (::inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) return address;
    address.v6 = true;
    if (::inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) return address;
    return "is an IP address, not \"" + text + "\"";
  };
  return core::text_as<net::Endpoint>("address", "", parse, [](const net::Endpoint& address) {
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
    return std::string(text);
  });
}

core::Field<model::Probe> dialog_module_row() {
  struct Label {
    std::string name;
    std::string value;
  };
  struct Step {
    DialogStep step;
    std::vector<Label> labels;
  };
  const Section<Label> label("label", "", {field("name", &Label::name).required(), field("value", &Label::value)});
  std::vector<core::Field<DialogStep>> plain{
      field("expect", &DialogStep::expect, regex()), field("expect_bytes", &DialogStep::expect_bytes),
      field("send", &DialogStep::send), field("starttls", &DialogStep::start_tls)};
  std::vector<core::Field<Step>> rows = core::fields_of(&Step::step, std::move(plain));
  rows.push_back(field("labels", &Step::labels, list_of(section(label))));
  const Section<Step> table("step", "", std::move(rows));
  using Steps = std::vector<Step>;
  return module_row<Steps>("query_response", list_of(section(table)),
                           std::function([](model::Probe& probe, Steps steps) -> std::optional<std::string> {
                             probe.tcp.dialog.clear();
                             for (Step& given : steps) {
                               for (Label& one : given.labels)
                                 given.step.labels.emplace_back(std::move(one.name), std::move(one.value));
                               if (auto wrong = wrong_labels(given.step.labels)) return wrong;
                               if (given.step.expect.empty() && !given.step.labels.empty())
                                 return "has labels without an expect";
                               probe.tcp.dialog.push_back(std::move(given.step));
                             }
                             return std::nullopt;
                           }));
}

core::Field<model::Probe> source_module_row() {
  return module_row<net::Endpoint>(
      "source_ip_address", address_type(),
      std::function([](model::Probe& probe, net::Endpoint address) { probe.tcp.source_address = address; }));
}

std::string with_brackets(const std::string& text) {
  const std::size_t begin = text.find("://") + 3;
  const std::string host = text.substr(begin, text.find_first_of("/?", begin) - begin);
  if (host.find('[') != std::string::npos || std::count(host.begin(), host.end(), ':') < 2) return text;
  return text.substr(0, begin) + "[" + host + "]" + text.substr(begin + host.size());
}

std::optional<net::Url> plain_url(const Making& making, const std::string& text, bool with_path) {
  auto url = url_of(making, with_brackets(text));
  if (!url) return std::nullopt;
  if (!url->user.empty() || !url->password.empty()) {
    making.wrong("a URL with " + url->scheme + ":// has no user info");
    return std::nullopt;
  }
  if (!with_path && (url->has_query || url->path.size() > 1)) {
    making.wrong("a URL with " + url->scheme + ":// has no path and no query");
    return std::nullopt;
  }
  return url;
}

probes::IpProtocol ip_protocol_of(const model::Probe& probe) {
  return probe.http.ip_protocol.value_or(probe.blackbox.ip_protocol());
}

}  // namespace tocsin::daemon
