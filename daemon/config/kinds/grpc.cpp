#include "config/kinds/grpc.hpp"

#include <algorithm>

#include "config/kinds/kind.hpp"
#include "config/kinds/modules.hpp"
#include "config/tables.hpp"

namespace tocsin::daemon {

using core::field;
using model::GrpcKeys;

namespace {

std::vector<core::Field<GrpcKeys>> grpc_rows() {
  return {
      field("service", &GrpcKeys::service)
          .doc("The service whose health is asked.")
          .fallback("the path of the URL; without one, the whole server"),
      field("authority", &GrpcKeys::authority).doc("The `:authority` of the call.").fallback("the URL's host and port"),
      field("metadata", &GrpcKeys::metadata, core::map_of(core::section(header_table()), "name"))
          .doc("Metadata that is sent: a value, or a `file` that holds it."),
  };
}

/// The section `grpc` of a module of blackbox_exporter.
std::vector<core::Field<model::Probe>> grpc_module() {
  auto rows = ip_module_rows();
  rows.push_back(module_row<std::string>(
      "service", core::text(),
      std::function([](model::Probe& probe, std::string service) { probe.grpc.service = std::move(service); })));
  rows.push_back(module_row<bool>("tls", core::boolean(),
                                  std::function([](model::Probe& probe, bool tls) { probe.grpc.tls = tls; })));
  rows.push_back(tls_module_row());
  using Metadata = std::vector<std::pair<std::string, std::vector<std::string>>>;
  rows.push_back(module_row<Metadata>("metadata",
                                      core::map_of(core::list_of(core::text(), core::ListStyle::list_or_one), "name"),
                                      std::function([](model::Probe& probe, Metadata metadata) {
                                        for (auto& [name, values] : metadata) {
                                          for (std::string& value : values) {
                                            model::Header header;
                                            header.value.value = core::Secret(std::move(value));
                                            probe.grpc.metadata.emplace_back(name, std::move(header));
                                          }
                                        }
                                      })));
  return rows;
}

void check_grpc(const model::Probe& probe, const Loading& loading) {
  for (const auto& [name, value] : probe.grpc.metadata) loading.check_secret(value.value, value.place, "file");
}

bool is_metadata_name(const std::string& name) {
  return !name.empty() && !name.starts_with("grpc-") && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

bool make_grpc(const Making& making, const std::string& text, TargetConfig& target) {
  const GrpcKeys& keys = making.probe.grpc;
  const bool bare = text.find("://") == std::string::npos;
  auto url = url_of(making, bare ? (keys.tls ? "grpcs://" : "grpc://") + text : text);
  if (!url) return false;
  if (!url->user.empty() || !url->password.empty() || url->has_query)
    return making.wrong("a grpc URL has no user info and no query (credentials go into \"metadata\")");
  if (url->port == 0 && url->scheme == "grpc") return making.wrong("a grpc URL has a port: grpc://host:port/service");
  probes::GrpcOptions options;
  options.address.host = url->host;
  options.address.port = url->port == 0 ? std::uint16_t{443} : url->port;
  if (url->scheme == "grpcs") {
    options.tls = making.probe.tls.value_or(net::TlsOptions{});
  } else if (making.probe.tls && !bare) {
    return making.wrong("tls", "\"tls\" needs a URL with grpcs://");
  }
  const std::string path = url->path.empty() ? "" : net::percent_decode(url->path.substr(1));
  if (!path.empty() && keys.service && *keys.service != path)
    return making.wrong("a service in the URL and another one beside it");
  options.service = keys.service.value_or(path);
  options.authority = keys.authority;
  for (const auto& [name, value] : keys.metadata) {
    if (!is_metadata_name(name)) return making.wrong("metadata", "\"" + name + "\" cannot be sent as metadata");
    options.metadata.push_back({name, value.value});
  }
  options.ip_protocol = making.probe.http.ip_protocol.value_or(making.probe.blackbox.ip_protocol());
  target.sentinel = false;
  target.display =
      url->scheme + "://" + options.address.to_string() + (options.service.empty() ? "" : "/" + options.service);
  target.labels.set("instance", target.display);
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
  return true;
}

}  // namespace

Kind grpc_kind() {
  Kind kind;
  kind.name = "grpc";
  kind.schemes = {"grpc", "grpcs"};
  kind.fields = core::fields_of(&model::Probe::grpc, grpc_rows());
  kind.also = {"tls", "ip_protocol"};
  kind.module = grpc_module();
  kind.check = check_grpc;
  kind.make = make_grpc;
  return kind;
}

}  // namespace tocsin::daemon
