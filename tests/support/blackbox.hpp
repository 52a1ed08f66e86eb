// A real blackbox_exporter, and what it says of a target.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "support/child.hpp"
#include "support/free_port.hpp"
#include "support/run_task.hpp"
#include "support/temp_dir.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/net/http.hpp"

namespace tocsin::test {

class Blackbox {
 public:
  [[nodiscard]] static bool installed() {
    return std::system("command -v prometheus-blackbox-exporter >/dev/null 2>&1") == 0;
  }
  /// `modules`: the value of the configuration's key of that name.
  explicit Blackbox(const std::string& modules)
      : child_({"prometheus-blackbox-exporter", "--config.file=" + dir_.write("blackbox.yml", "modules:\n" + modules),
                "--web.listen-address=127.0.0.1:" + std::to_string(port_)}) {
    child_.wait_for_port(port_);
  }

  /// The exposition text of one probe.
  [[nodiscard]] std::string ask(const std::string& module, const std::string& target) {
    net::BlockingPool pool(1);
    net::Connector connector(pool);
    TestLoop loop;
    const auto url = net::parse_url("http://127.0.0.1:" + std::to_string(port_) + "/probe?module=" + module +
                                    "&target=" + net::percent_encode(target));
    net::HttpRequest request;
    request.target = url->request_target();
    const auto deadline = TestLoop::in(std::chrono::seconds(10));
    return loop.run(net::fetch(connector, *url, std::nullopt, request, {}, deadline)).value().body;
  }

 private:
  TempDir dir_;
  std::uint16_t port_ = free_port();
  Child child_;
};

/// Series and their values from exposition text.
[[nodiscard]] inline std::map<std::string, double> series_of(const std::string& text) {
  std::map<std::string, double> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto space = line.rfind(' ');
    values[line.substr(0, space)] = std::stod(line.substr(space + 1));
  }
  return values;
}

/// Holds our series against blackbox_exporter's text: each of theirs must be ours too, with its type and value (times:
/// only whether they are 0, and not even that where they end in `loose`); beyond them only metrics of `newer`.
inline void expect_same_series(const std::map<std::string, double>& ours, const std::string& text,
                               std::span<const core::MetricMeta> metadata, const std::set<std::string>& newer) {
  const auto without_serial = [](std::string series) {  // later versions of blackbox_exporter have it
    const auto at = series.find(",serialnumber=");
    if (at != std::string::npos) series.erase(at, series.find(',', at + 1) - at);
    return series;
  };
  std::map<std::string, double> comparable;
  for (const auto& [series, value] : ours) comparable[without_serial(series)] = value;
  const auto theirs = series_of(text);
  EXPECT_FALSE(theirs.empty());
  for (const auto& [series, value] : theirs) {
    SCOPED_TRACE(series);
    const auto it = comparable.find(series);
    if (it == comparable.end()) {
      ADD_FAILURE() << "not given";
      continue;
    }
    const bool a_time =
        series.find("duration_seconds") != std::string::npos || series.find("time_seconds") != std::string::npos;
    if (!a_time) {
      EXPECT_EQ(it->second, value);
    } else {
      EXPECT_EQ(it->second == 0, value == 0);
    }
    const auto name = series.substr(0, series.find('{'));
    EXPECT_NE(text.find("# TYPE " + name + " gauge"), std::string::npos);
    bool described = false;
    for (const auto& meta : metadata)
      described = described || (meta.name == name && meta.type == core::MetricType::gauge);
    EXPECT_TRUE(described) << "no metadata";
  }
  for (const auto& [series, value] : comparable) {
    const auto name = series.substr(0, series.find('{'));
    EXPECT_TRUE(theirs.contains(series) || name.starts_with("tocsin_") || newer.contains(name))
        << series << " is ours alone";
  }
}

}  // namespace tocsin::test
