// The tables of fields: everything that can be written into a configuration file.
#pragma once

#include "model.hpp"

namespace tocsin::daemon {

inline constexpr core::Duration shortest_interval{100};
inline constexpr core::Duration longest_interval{std::chrono::hours{24}};

[[nodiscard]] core::Section<net::TlsOptions> tls_table();
[[nodiscard]] core::Section<model::BasicAuth> basic_auth_table();
[[nodiscard]] core::Section<model::Authorization> authorization_table();
/// A value in place or in a file, as headers, metadata and environments have it.
[[nodiscard]] core::Section<model::Header> header_table();
[[nodiscard]] core::Section<model::Probe> probe_table();
/// A job with everything that its targets say of their own.
[[nodiscard]] core::Type<model::Probe> probe_type();
/// Reads a job that names a module again, over that module. `interval` is between two probes where the job says
/// nothing.
bool put_over_module(core::FieldReader& reader, const model::Probe& module, core::Duration interval,
                     model::Probe& into);
/// A regular expression (RE2).
[[nodiscard]] core::Type<std::string> regex();
[[nodiscard]] core::Type<model::Action> action_type();
[[nodiscard]] core::Section<actions::Guard> guard_table();
[[nodiscard]] core::Section<model::Maintenance> maintenance_table();
[[nodiscard]] core::Section<model::Fallback> fallback_table();
[[nodiscard]] core::Section<model::Heartbeat> heartbeat_table();
/// Large, and wanted while a configuration is read or described: let it go then.
[[nodiscard]] core::Section<model::Root> root_table();

/// `Alert{label="value"}`.
[[nodiscard]] std::variant<model::When, std::string> parse_when(const std::string& text);
/// `{label="value"}`.
[[nodiscard]] std::variant<std::vector<core::Matcher>, std::string> parse_matchers(const std::string& text);

/// What is wrong with a host:port to listen on.
[[nodiscard]] std::optional<std::string> listen_problem(const std::string& listen);
/// A regular expression of RE2: what is wrong with it.
[[nodiscard]] std::optional<std::string> regex_problem(const std::string& regex);
/// A word as HTTP has it (RFC 9110, section 5.6.2).
[[nodiscard]] bool is_http_token(std::string_view text);
/// A header that can be sent: its name is a token, its value has no line break.
[[nodiscard]] bool is_http_header(std::string_view name, const core::SecretSource& value);
/// $, .name, ['name'], [index].
[[nodiscard]] std::optional<std::string> json_path_problem(const std::string& path);

}  // namespace tocsin::daemon
