// The command line's side of the HTTP interface: one request to the running daemon.
#pragma once

#include <string>

#include "tocsin/core/result.hpp"
#include "tocsin/net/http.hpp"

namespace tocsin::daemon {

/// Where the running daemon is: its local socket if that is not empty, else its URL.
struct DaemonAddress {
  std::string socket;
  std::string url = "http://127.0.0.1:9477";
  std::string user;           // who logs in at the URL; empty: nobody
  std::string password_file;  // where the password is
};
[[nodiscard]] core::Result<net::HttpResponse> ask_daemon(const DaemonAddress& address, net::HttpRequest request);

}  // namespace tocsin::daemon
