// blackbox_exporter's own configuration file in the running daemon.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "real/house.hpp"
#include "support/free_port.hpp"
#include "support/nginx.hpp"
#include "support/wait_until.hpp"

namespace tocsin::test {
namespace {

using testing::HasSubstr;

TEST(BlackboxModules, AreProbedAndAskedForAsInTheExporter) {
  const std::uint16_t port = free_port();
  Nginx nginx(
      fmt::format("server {{ listen 127.0.0.1:{}; location = /form {{ return 200 \"$request_method\"; }} }}", port),
      port);
  TempDir folder;
  const auto file = folder.write("blackbox.yml", R"(modules:
  http_2xx: {prober: http, timeout: 5s}
  form:
    prober: http
    http:
      method: POST
      preferred_ip_protocol: ip4
      fail_if_body_not_matches_regexp: ['^POST$']
)");
  Tocsin tocsin(fmt::format(R"(blackbox_modules: [{0}]
packs: []
probes:
  - {{job: form, module: form, interval: 500ms, targets: ["http://127.0.0.1:{1}/form", "http://127.0.0.1:{1}/"]}}
  - {{job: any, module: http_2xx, allow_targets: ['(http://)?127\.0\.0\.1:\d+/.*']}}
)",
                            file, port));
  tocsin.wait_ready();
  const auto success = [&](const std::string& path) {
    return tocsin.query(fmt::format("probe_success{{job=\"form\",instance=\"http://127.0.0.1:{}{}\"}}", port, path));
  };
  ASSERT_TRUE(wait_until([&] { return success("/form") == 1.0 && success("/") == 0.0; })) << tocsin.child().output();

  const Answer good = http(tocsin.port(), fmt::format("/probe?module=http_2xx&target=127.0.0.1:{}/", port));
  EXPECT_EQ(good.status, 200U) << good.body;
  EXPECT_THAT(good.body, HasSubstr("\nprobe_success 1\n"));
  EXPECT_THAT(good.body, HasSubstr("\nprobe_http_status_code 200\n"));
  const Answer bad = http(tocsin.port(), fmt::format("/probe?module=http_2xx&target=127.0.0.1:{}/absent", port));
  EXPECT_THAT(bad.body, HasSubstr("\nprobe_success 0\n"));
  EXPECT_EQ(http(tocsin.port(), "/probe?module=unheard_of&target=127.0.0.1:1/").status, 400U);
  // Whoever scrapes allows itself no target by a module that no job opens to it.
  EXPECT_EQ(http(tocsin.port(), "/probe?module=http_2xx&target=10.1.2.3/").status, 400U);
  // What the exporter says of itself.
  EXPECT_EQ(tocsin.metric("blackbox_exporter_config_last_reload_successful"), 1.0);
  EXPECT_GT(tocsin.metric("blackbox_exporter_config_last_reload_success_timestamp_seconds").value_or(0), 1.7e9);
  EXPECT_EQ(tocsin.metric("blackbox_exporter_build_info{version=\"tocsin\"}"), 1.0);
  EXPECT_EQ(tocsin.metric("blackbox_module_unknown_total"), 2.0);
}

}  // namespace
}  // namespace tocsin::test
