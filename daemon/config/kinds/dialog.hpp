// What several kinds under blackbox_exporter's names have in common in the configuration.
#pragma once

#include <string>
#include <vector>

#include "config/kinds/kind.hpp"
#include "tocsin/core/fields.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/dialog.hpp"

namespace tocsin::daemon {

/// A step of a dialog, as our own keys say it.
[[nodiscard]] core::Section<probes::DialogStep> dialog_table();
/// A numeric address.
[[nodiscard]] core::Type<net::Endpoint> address_type();

/// query_response and source_ip_address of a module.
[[nodiscard]] core::Field<model::Probe> dialog_module_row();
[[nodiscard]] core::Field<model::Probe> source_module_row();

/// The text of a target whose IPv6 address has no brackets, as blackbox_exporter takes it, with them.
[[nodiscard]] std::string with_brackets(const std::string& text);
/// A URL of a host (and port) alone: without user info, path and query. Nothing after an error.
[[nodiscard]] std::optional<net::Url> plain_url(const Making& making, const std::string& text, bool with_path);
/// Which addresses of a name are used.
[[nodiscard]] probes::IpProtocol ip_protocol_of(const model::Probe& probe);

}  // namespace tocsin::daemon
