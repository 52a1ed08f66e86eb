#include "real/house.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "support/redis.hpp"
#include "support/run_task.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::test {
namespace {

constexpr const char* binary = TOCSIN_BINARY;

net::Task<Answer> ask(net::Connector& connector, std::string url, net::HttpRequest request) {
  const auto parsed = net::parse_url(url);
  std::optional<net::TlsOptions> none;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  auto answer =
      co_await net::fetch(connector, *parsed, std::move(none), std::move(request), net::HttpLimits{}, deadline);
  Answer result;
  if (answer) {
    result.status = answer->status;
    result.body = std::move(answer->body);
  }
  co_return result;
}

}  // namespace

Answer http(std::uint16_t port, const std::string& path, const std::string& method, const std::string& body,
            const std::string& content_type) {
  net::BlockingPool pool(1);
  net::Connector connector(pool);
  TestLoop loop;
  net::HttpRequest request;
  request.method = method;
  request.target = path;
  request.body = body;
  if (!body.empty()) request.headers.emplace_back("Content-Type", content_type);
  return loop.run(ask(connector, fmt::format("http://127.0.0.1:{}/", port), std::move(request)));
}

boost::json::value http_json(std::uint16_t port, const std::string& path) {
  boost::system::error_code ec;
  auto value = boost::json::parse(http(port, path).body, ec);
  return ec ? boost::json::value() : value;
}

std::unique_ptr<Child> start_redis(std::uint16_t port, const TempDir& folder, std::vector<std::string> more) {
  auto child = std::make_unique<Child>(redis_command(port, folder, more));
  child->wait_for_port(port);
  return child;
}

std::unique_ptr<Nginx> start_nginx(std::uint16_t port) {
  return std::make_unique<Nginx>(
      fmt::format("server {{ listen 127.0.0.1:{}; location /health {{ return 200 \"ok\\n\"; }} }}", port), port);
}

std::unique_ptr<Child> start_alertmanager(std::uint16_t port, const TempDir& folder, const std::string& config) {
  const std::string file = folder.write(
      "alertmanager.yml",
      config.empty() ? "route: {receiver: nobody, group_wait: 1s}\nreceivers: [{name: nobody}]\n" : config);
  auto child = std::make_unique<Child>(std::vector<std::string>{
      "prometheus-alertmanager", "--config.file=" + file, "--storage.path=" + (folder / "alertmanager"),
      fmt::format("--web.listen-address=127.0.0.1:{}", port), "--cluster.listen-address="});
  child->wait_for_port(port);
  if (!wait_until([&] { return http(port, "/-/ready").status == 200; }))
    throw std::runtime_error("Alertmanager is not ready: " + child->output());
  return child;
}

std::vector<boost::json::object> alerts_at(std::uint16_t alertmanager, const std::string& name) {
  std::vector<boost::json::object> labels;
  const auto all = http_json(alertmanager, "/api/v2/alerts");
  if (!all.is_array()) return labels;
  for (const auto& alert : all.as_array()) {
    const auto& own = alert.at("labels").as_object();
    if (own.at("alertname").as_string() == name) labels.push_back(own);
  }
  return labels;
}

std::string silence(std::uint16_t alertmanager, const std::string& name) {
  const auto now = std::chrono::time_point_cast<core::Duration>(std::chrono::system_clock::now());
  const std::string body = fmt::format(
      R"({{"matchers":[{{"name":"alertname","value":"{}","isRegex":false,"isEqual":true}}],"startsAt":"{}","endsAt":"{}","createdBy":"test","comment":"test"}})",
      name, core::format_rfc3339(now - std::chrono::seconds(1)), core::format_rfc3339(now + std::chrono::hours(1)));
  const Answer answer = http(alertmanager, "/api/v2/silences", "POST", body);
  if (answer.status != 200) throw std::runtime_error("no silence: " + answer.body);
  return boost::json::parse(answer.body).at("silenceID").as_string().c_str();
}

Tocsin::Tocsin(const std::string& config, std::vector<std::string> more_arguments, std::vector<std::string> environment)
    : more_arguments_(std::move(more_arguments)), environment_(std::move(environment)) {
  write_config(config);
  std::filesystem::create_directory(folder_.path() / "data");
  start();
}

void Tocsin::start() {
  std::vector<std::string> argv{binary,     "run",
                                "--config", folder_ / "tocsin.yml",
                                "--listen", fmt::format("127.0.0.1:{}", port_),
                                "--socket", folder_ / "tocsin.sock"};
  if (std::find(more_arguments_.begin(), more_arguments_.end(), "--data-dir") == more_arguments_.end()) {
    argv.insert(argv.end(), {"--data-dir", folder_ / "data"});
  }
  argv.insert(argv.end(), more_arguments_.begin(), more_arguments_.end());
  child_ = std::make_unique<Child>(std::move(argv), environment_);
}

void Tocsin::restart() {
  child_.reset();
  start();
  wait_ready();
}

void Tocsin::wait_ready() {
  if (!wait_until([this] { return !child_->running() || http(port_, "/-/ready").status == 200; }) ||
      !child_->running()) {
    throw std::runtime_error("tocsin is not ready: " + child_->output());
  }
}

std::optional<double> Tocsin::query(const std::string& expression) const {
  const auto answer = http_json(port_, "/api/v1/query?query=" + net::percent_encode(expression));
  if (!answer.is_object() || !answer.as_object().contains("data")) return std::nullopt;
  const auto& result = answer.at("data").at("result").as_array();
  if (result.size() != 1) return std::nullopt;
  return std::stod(result.front().at("value").as_array().at(1).as_string().c_str());
}

std::optional<double> Tocsin::metric(const std::string& name_and_labels) const {
  const std::string text = "\n" + http(port_, "/metrics").body;
  const auto at = text.find("\n" + name_and_labels + " ");
  if (at == std::string::npos) return std::nullopt;
  return std::stod(text.substr(at + name_and_labels.size() + 2));
}

std::pair<int, std::string> run_tocsin(std::vector<std::string> arguments, std::vector<std::string> environment) {
  arguments.insert(arguments.begin(), binary);
  Child child(std::move(arguments), std::move(environment));
  const auto status = child.wait_exit();
  return {status.value_or(-1), child.output()};
}

}  // namespace tocsin::test
