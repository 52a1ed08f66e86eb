#include "src/surroundings.hpp"

#include <unistd.h>

#include "tocsin/net/url.hpp"

namespace tocsin::daemon {

std::string environment_value(const RunOptions& options, const std::string& name) {
  const auto it = options.environment.find(name);
  return it == options.environment.end() ? "" : it->second;
}

std::string data_folder(const RunOptions& options, const Config& config) {
  if (options.data_dir) return *options.data_dir;
  if (!config.storage.path.empty()) return config.storage.path;
  return environment_value(options, "STATE_DIRECTORY");
}

std::string socket_path(const RunOptions& options) {
  if (options.socket) return *options.socket;
  const std::string folder = environment_value(options, "RUNTIME_DIRECTORY");
  return folder.empty() ? "" : folder + "/tocsin.sock";
}

core::Result<net::Address> listen_address(const std::string& text) {
  // A port of 0 asks for any free one; a URL cannot say that.
  const bool any_port = text.ends_with(":0");
  const auto url = net::parse_url("http://" + (any_port ? text.substr(0, text.size() - 2) : text));
  if (!url) {
    return core::Failure{core::Outcome::internal, core::Phase::none,
                         "'" + text + "' is no address to listen on (write host:port)"};
  }
  net::Address address;
  address.host = url->host;
  address.port = any_port ? 0 : url->port == 0 ? 9477 : url->port;
  return address;
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

}  // namespace tocsin::daemon
