// The modules of blackbox_exporter: its own file, unchanged, read into the sections that our jobs have.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/model.hpp"
#include "tocsin/core/fields.hpp"
#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon {

/// Adds the modules of a file (`modules: {name: {prober: http, ...}}`); one of the same name is replaced.
void read_modules(core::FieldReader& reader, const core::YamlNode& root, std::vector<JobConfig>& into);
/// The modules of blackbox_exporter's own example, as far as their probers are known here.
[[nodiscard]] std::vector<JobConfig> known_modules();
/// Null where there is none of that name.
[[nodiscard]] const JobConfig* find_module(const std::vector<JobConfig>& modules, std::string_view name);

/// A row of a module's section: `put` takes the value, or says what is wrong with it in words that follow the key's
/// name.
template <class V>
[[nodiscard]] core::Field<model::Probe> module_row(std::string name, core::Type<V> type,
                                                   std::function<std::optional<std::string>(model::Probe&, V)> put) {
  core::Field<model::Probe> row;
  row.doc.name = std::move(name);
  row.doc.shape = std::move(type.shape);
  row.read = [read = std::move(type.read), put = std::move(put)](core::FieldReader& reader, const core::YamlNode& node,
                                                                 model::Probe& probe) {
    V value{};
    if (!read(reader, node, value)) return false;
    const std::optional<std::string> wrong = put(probe, std::move(value));
    if (wrong) reader.key_error(node.at, *wrong);
    return !wrong;
  };
  row.write = [](const model::Probe&) { return core::YamlNode{}; };
  return row;
}
/// The same where nothing can be wrong.
template <class V>
[[nodiscard]] core::Field<model::Probe> module_row(std::string name, core::Type<V> type,
                                                   std::function<void(model::Probe&, V)> put) {
  return module_row<V>(
      std::move(name), std::move(type),
      std::function([put = std::move(put)](model::Probe& probe, V value) -> std::optional<std::string> {
        put(probe, std::move(value));
        return std::nullopt;
      }));
}
/// A key of blackbox_exporter that is known and not supported; `why` follows its name.
[[nodiscard]] core::Field<model::Probe> unsupported_row(std::string name, std::string why);

/// preferred_ip_protocol and ip_protocol_fallback.
[[nodiscard]] std::vector<core::Field<model::Probe>> ip_module_rows();
/// tls_config.
[[nodiscard]] core::Field<model::Probe> tls_module_row();

/// The section `http` of a module.
[[nodiscard]] std::vector<core::Field<model::Probe>> http_module();

}  // namespace tocsin::daemon
