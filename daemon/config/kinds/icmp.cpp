#include "config/kinds/icmp.hpp"

#include "config/kinds/dialog.hpp"
#include "config/kinds/modules.hpp"
#include "tocsin/probes/icmp.hpp"

namespace tocsin::daemon {

using core::field;
using core::maybe;
using core::whole_number;
using model::IcmpKeys;

namespace {

core::Type<std::int64_t> payload_type() {
  return whole_number(0, static_cast<std::int64_t>(probes::IcmpOptions::max_payload));
}

std::vector<core::Field<IcmpKeys>> icmp_rows() {
  return {
      field("payload_size", &IcmpKeys::payload_size, maybe(payload_type()))
          .doc("How many bytes a ping carries.")
          .fallback("`28`"),
      field("ttl", &IcmpKeys::ttl, maybe(whole_number(1, 255)))
          .doc("How many hops a ping may take.")
          .fallback("the system's"),
      field("dont_fragment", &IcmpKeys::dont_fragment)
          .doc("Whether a ping must fit into one packet all the way.")
          .fallback("`false`"),
  };
}

bool make_icmp(const Making& making, const std::string& text, TargetConfig& target) {
  const auto url = plain_url(making, text, false);
  if (!url) return false;
  if (url->port != 0) return making.wrong("a host that is pinged has no port: icmp://host");
  const IcmpKeys& keys = making.probe.icmp;
  probes::IcmpOptions options;
  options.host = url->host;
  if (keys.payload_size) options.payload_size = static_cast<std::size_t>(*keys.payload_size);
  if (keys.ttl) options.ttl = static_cast<std::uint8_t>(*keys.ttl);
  options.dont_fragment = keys.dont_fragment.value_or(false);
  options.ip_protocol = ip_protocol_of(making.probe);
  options.source = making.probe.tcp.source_address;
  target.sentinel = false;
  target.display = "icmp://" + url->authority();
  target.labels.set("instance", target.display);
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
  return true;
}

std::vector<core::Field<model::Probe>> icmp_module() {
  auto rows = ip_module_rows();
  rows.push_back(source_module_row());
  rows.push_back(module_row<std::int64_t>("payload_size", payload_type(),
                                          std::function([](model::Probe& probe, std::int64_t size) {
                                            if (size > 0) probe.icmp.payload_size = size;
                                          })));
  rows.push_back(
      module_row<std::int64_t>("ttl", whole_number(0, 255), std::function([](model::Probe& probe, std::int64_t ttl) {
                                 if (ttl > 0) probe.icmp.ttl = ttl;
                               })));
  rows.push_back(module_row<bool>("dont_fragment", core::boolean(), std::function([](model::Probe& probe, bool given) {
                                    probe.icmp.dont_fragment = given;
                                  })));
  return rows;
}

}  // namespace

Kind icmp_kind() {
  Kind kind;
  kind.name = "icmp";
  kind.schemes = {"icmp"};
  kind.fields = core::fields_of(&model::Probe::icmp, icmp_rows());
  kind.also = {"ip_protocol", "source_address"};
  kind.module = icmp_module();
  kind.make = make_icmp;
  return kind;
}

}  // namespace tocsin::daemon
