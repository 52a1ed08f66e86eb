#include "config/kinds/dns.hpp"

#include <algorithm>

#include "config/kinds/dialog.hpp"
#include "config/kinds/modules.hpp"
#include "config/tables.hpp"

namespace tocsin::daemon {

using core::field;
using core::list_of;
using core::ListStyle;
using core::maybe;
using core::Section;
using core::section;
using model::DnsKeys;
using probes::DnsName;
using probes::DnsOptions;
using probes::DnsValidation;
using Transport = DnsOptions::Transport;

namespace {

/// One of DNS's words, or what stands for a number that has no word (TYPE65280).
template <std::size_t N>
core::Type<std::uint16_t> word_type(const std::array<DnsName, N>& names) {
  std::vector<std::pair<std::string, std::uint16_t>> words;
  for (const auto& [name, number] : names) words.emplace_back(std::string(name), number);
  return core::choice<std::uint16_t>(std::move(words));
}

Section<DnsValidation> validation_table() {
  const auto regexes = [] { return list_of(regex(), ListStyle::list_or_one); };
  return Section<DnsValidation>(
      "validation",
      "What the records of a section of a DNS answer must be like. Each regular expression is held against a record as "
      "`name`, `ttl`, `class`, `type` and `data`, divided by tabs.",
      {
          field("fail_if_matches", &DnsValidation::fail_if_matches, regexes()).doc("No record may match any of these."),
          field("fail_if_not_matches", &DnsValidation::fail_if_not_matches, regexes())
              .doc("There must be a record, and every one must match all of these."),
          field("fail_if_not_all_match", &DnsValidation::fail_if_not_all_match, regexes())
              .doc("Every record, if there is one, must match all of these. (blackbox_exporter calls this "
                   "fail_if_all_match_regexp.)"),
          field("fail_if_none_matches", &DnsValidation::fail_if_none_matches, regexes())
              .doc("One record at least must match one of these."),
      });
}

core::Type<Transport> transport_type() {
  return core::choice<Transport>({{"udp", Transport::udp}, {"tcp", Transport::tcp}, {"tls", Transport::tls}});
}

std::vector<core::Field<DnsKeys>> dns_rows() {
  return {
      field("query_name", &DnsKeys::query_name).doc("The name that is asked for.").fallback("the path of the URL"),
      field("query_type", &DnsKeys::query_type, maybe(word_type(probes::dns_types)))
          .doc("The type of record that is asked for.")
          .fallback("`type` in the URL's query, else `A`"),
      field("query_class", &DnsKeys::query_class, maybe(word_type(probes::dns_classes)))
          .doc("The class.")
          .fallback("`IN`"),
      field("recursion_desired", &DnsKeys::recursion_desired)
          .doc("Whether the name server may ask others.")
          .fallback("`true`"),
      field("valid_rcodes", &DnsKeys::valid_rcodes, list_of(word_type(probes::dns_rcodes), ListStyle::list_or_one))
          .doc("The answers that are good.")
          .fallback("`NOERROR`"),
      field("transport", &DnsKeys::transport, maybe(transport_type()))
          .doc("How the question goes.")
          .fallback("`udp`; `tcp` for dns+tcp://, `tls` for dns+tls://"),
      field("validate_answer", &DnsKeys::answer, section(validation_table()))
          .doc("What the answer section must be like."),
      field("validate_authority", &DnsKeys::authority, section(validation_table()))
          .doc("What the authority section must be like."),
      field("validate_additional", &DnsKeys::additional, section(validation_table()))
          .doc("What the additional section must be like."),
  };
}

/// A word of the URL's query. False after an error.
template <std::size_t N>
bool take_word(const Making& making, const net::Url& url, std::string_view name, const std::array<DnsName, N>& names,
               std::optional<std::uint16_t> key, std::uint16_t& into) {
  std::string word = net::query_parameter(url.query, name);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  if (word.empty()) {
    into = key.value_or(into);
    return true;
  }
  const auto number = probes::dns_number(names, word);
  if (!number) return making.wrong("DNS knows no " + std::string(name) + " \"" + word + "\"");
  if (key && *key != *number) return making.wrong("a " + std::string(name) + " in the URL and another one beside it");
  into = *number;
  return true;
}

template <std::size_t N>
std::string word_of(const std::array<DnsName, N>& names, std::uint16_t number) {
  for (const auto& [name, known] : names) {
    if (known == number) return std::string(name);
  }
  return std::to_string(number);
}

/// 253 characters in labels of 1 to 63.
bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > 254) return false;
  if (name == ".") return true;
  if (name.ends_with('.')) name.remove_suffix(1);
  while (true) {
    const std::string_view label = name.substr(0, name.find('.'));
    const bool odd = std::any_of(label.begin(), label.end(), [](char c) { return c <= ' ' || c == '"' || c == '\\'; });
    if (label.empty() || label.size() > 63 || odd) return false;
    if (label.size() == name.size()) return true;
    name.remove_prefix(label.size() + 1);
  }
}

bool take_question(const Making& making, const net::Url& url, DnsOptions& options) {
  const DnsKeys& keys = making.probe.dns;
  const std::string path = url.path.size() > 1 ? net::percent_decode(url.path.substr(1)) : "";
  if (!path.empty() && !keys.query_name.empty() && path != keys.query_name)
    return making.wrong("a name in the URL and another \"query_name\" beside it");
  options.query_name = path.empty() ? keys.query_name : path;
  if (options.query_name.empty())
    return making.wrong("a name to ask for is missing: dns://server/name, or \"query_name\"");
  if (!is_dns_name(options.query_name))
    return making.wrong("\"" + options.query_name + "\" is not a name that can be asked for");
  return take_word(making, url, "type", probes::dns_types, keys.query_type, options.query_type) &&
         take_word(making, url, "class", probes::dns_classes, keys.query_class, options.query_class);
}

bool make_dns(const Making& making, const std::string& text, TargetConfig& target) {
  const auto url = plain_url(making, text, true);
  if (!url) return false;
  const DnsKeys& keys = making.probe.dns;
  DnsOptions options;
  options.host = url->host;
  options.port = url->port;
  const Transport by_scheme = url->scheme == "dns+tls"   ? Transport::tls
                              : url->scheme == "dns+tcp" ? Transport::tcp
                                                         : Transport::udp;
  options.transport = url->scheme == "dns" ? keys.transport.value_or(Transport::udp) : by_scheme;
  if (!take_question(making, *url, options)) return false;
  options.recursion_desired = keys.recursion_desired.value_or(true);
  if (!keys.valid_rcodes.empty()) options.valid_rcodes = keys.valid_rcodes;
  options.answer = keys.answer;
  options.authority = keys.authority;
  options.additional = keys.additional;
  if (making.probe.tls && options.transport != Transport::tls && !making.probe.blackbox.given)
    return making.wrong("tls", "\"tls\" needs a URL with dns+tls://, or \"transport: tls\"");
  options.tls = making.probe.tls.value_or(net::TlsOptions{});
  options.ip_protocol = ip_protocol_of(making.probe);
  options.source = making.probe.tcp.source_address;
  target.sentinel = false;
  target.display = url->scheme + "://" + url->authority() + "/" + options.query_name +
                   "?type=" + word_of(probes::dns_types, options.query_type);
  target.labels.set("instance", target.display);
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
  return true;
}

core::Field<model::Probe> validation_module_row(std::string name, DnsValidation DnsKeys::*section_of) {
  const auto regexes = [] { return list_of(regex()); };
  const Section<DnsValidation> table(
      name, "",
      {
          field("fail_if_matches_regexp", &DnsValidation::fail_if_matches, regexes()),
          field("fail_if_all_match_regexp", &DnsValidation::fail_if_not_all_match, regexes()),
          field("fail_if_not_matches_regexp", &DnsValidation::fail_if_not_matches, regexes()),
          field("fail_if_none_matches_regexp", &DnsValidation::fail_if_none_matches, regexes()),
      });
  return module_row<DnsValidation>(std::move(name), section(table),
                                   std::function([section_of](model::Probe& probe, DnsValidation given) {
                                     probe.dns.*section_of = std::move(given);
                                   }));
}

std::vector<core::Field<model::Probe>> dns_module() {
  using model::Probe;
  auto rows = ip_module_rows();
  rows.push_back(source_module_row());
  rows.push_back(tls_module_row());
  const auto add = [&rows](core::Field<Probe> row) { rows.push_back(std::move(row)); };
  add(module_row<std::string>("query_name", core::text(), std::function([](Probe& probe, std::string name) {
                                probe.dns.query_name = std::move(name);
                                if (!probe.dns.query_type) probe.dns.query_type = 255;  // theirs is ANY
                              })));
  add(module_row<std::uint16_t>("query_type", word_type(probes::dns_types),
                                std::function([](Probe& probe, std::uint16_t type) { probe.dns.query_type = type; })));
  add(module_row<std::uint16_t>("query_class", word_type(probes::dns_classes),
                                std::function([](Probe& probe, std::uint16_t type) { probe.dns.query_class = type; })));
  add(module_row<bool>("recursion_desired", core::boolean(),
                       std::function([](Probe& probe, bool given) { probe.dns.recursion_desired = given; })));
  add(module_row<std::vector<std::uint16_t>>("valid_rcodes", list_of(word_type(probes::dns_rcodes)),
                                             std::function([](Probe& probe, std::vector<std::uint16_t> codes) {
                                               probe.dns.valid_rcodes = std::move(codes);
                                             })));
  add(module_row<Transport>("transport_protocol",
                            core::choice<Transport>({{"udp", Transport::udp}, {"tcp", Transport::tcp}}),
                            std::function([](Probe& probe, Transport given) {
                              if (probe.dns.transport != Transport::tls) probe.dns.transport = given;
                            })));
  add(module_row<bool>("dns_over_tls", core::boolean(), std::function([](Probe& probe, bool given) {
                         if (given) probe.dns.transport = Transport::tls;
                       })));
  add(validation_module_row("validate_answer_rrs", &DnsKeys::answer));
  add(validation_module_row("validate_authority_rrs", &DnsKeys::authority));
  add(validation_module_row("validate_additional_rrs", &DnsKeys::additional));
  return rows;
}

}  // namespace

Kind dns_kind() {
  Kind kind;
  kind.name = "dns";
  kind.schemes = {"dns", "dns+tcp", "dns+tls"};
  kind.fields = core::fields_of(&model::Probe::dns, dns_rows());
  kind.also = {"tls", "ip_protocol", "source_address"};
  kind.module = dns_module();
  kind.make = make_dns;
  return kind;
}

}  // namespace tocsin::daemon
