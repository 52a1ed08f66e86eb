// Where the process stands: folders, sockets, addresses and names that the command line, the configuration and systemd
// give.
#pragma once

#include <string>

#include "src/process.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/daemon/config/config.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::daemon {

/// The value of a variable, or empty.
[[nodiscard]] std::string environment_value(const RunOptions& options, const std::string& name);
/// Where the journal lives: the command line, the configuration, systemd's StateDirectory, in this order; empty:
/// nowhere.
[[nodiscard]] std::string data_folder(const RunOptions& options, const Config& config);
/// The local socket: the command line, else systemd's RuntimeDirectory; empty: none.
[[nodiscard]] std::string socket_path(const RunOptions& options);
/// host:port to listen on; the port is 9477 where none is written.
[[nodiscard]] core::Result<net::Address> listen_address(const std::string& text);
[[nodiscard]] std::string host_name();

}  // namespace tocsin::daemon
