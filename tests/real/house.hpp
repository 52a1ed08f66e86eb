// Real servers and the real tocsin, for tests from end to end.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/child.hpp"
#include "support/free_port.hpp"
#include "support/nginx.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

namespace tocsin::test {

struct Answer {
  unsigned status = 0;  // 0: nobody answered
  std::string body;
};

/// One request over HTTP to a port of 127.0.0.1.
[[nodiscard]] Answer http(std::uint16_t port, const std::string& path, const std::string& method = "GET",
                          const std::string& body = "", const std::string& content_type = "application/json");
/// The body as JSON, or null.
[[nodiscard]] boost::json::value http_json(std::uint16_t port, const std::string& path);

[[nodiscard]] std::unique_ptr<Child> start_redis(std::uint16_t port, const TempDir& folder,
                                                 std::vector<std::string> more = {});
/// Answers /health.
[[nodiscard]] std::unique_ptr<Nginx> start_nginx(std::uint16_t port);
/// `config` is Alertmanager's YAML; empty: one receiver that does nothing.
[[nodiscard]] std::unique_ptr<Child> start_alertmanager(std::uint16_t port, const TempDir& folder,
                                                        const std::string& config = "");

/// The labels of the active alerts of that name at an Alertmanager.
[[nodiscard]] std::vector<boost::json::object> alerts_at(std::uint16_t alertmanager, const std::string& name);
/// Silences every alert of that name for an hour; the silence's id.
std::string silence(std::uint16_t alertmanager, const std::string& name);

/// tocsin itself, with a configuration of its own.
class Tocsin {
 public:
  explicit Tocsin(const std::string& config, std::vector<std::string> more_arguments = {},
                  std::vector<std::string> environment = {});
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] Child& child() { return *child_; }
  [[nodiscard]] const TempDir& folder() const { return folder_; }
  /// Waits for /-/ready; throws with its log.
  void wait_ready();
  void write_config(const std::string& config) { folder_.write("tocsin.yml", config); }
  /// The value of a query that gives one sample.
  [[nodiscard]] std::optional<double> query(const std::string& expression) const;
  /// A line of /metrics by its name and labels, as it is written there.
  [[nodiscard]] std::optional<double> metric(const std::string& name_and_labels) const;
  /// Starts the same again, on the same folders and port.
  void restart();

 private:
  void start();
  TempDir folder_;
  std::uint16_t port_ = free_port();
  std::vector<std::string> more_arguments_;
  std::vector<std::string> environment_;
  std::unique_ptr<Child> child_;
};

/// Runs the tocsin binary to its end: exit status and all that it printed.
[[nodiscard]] std::pair<int, std::string> run_tocsin(std::vector<std::string> arguments,
                                                     std::vector<std::string> environment = {});

}  // namespace tocsin::test
