// HTTP probes in all their keys, and the modules of blackbox_exporter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/temp_dir.hpp"
#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using Ip = probes::IpProtocol;

class Blackbox : public testing::Test {
 protected:
  std::optional<Config> load(const std::string& text) {
    core::Diagnostics diagnostics;
    LoadOptions options;
    options.environment = {{"HTTP_PROXY", "http://env:3128"}, {"no_proxy", "inside"}};
    auto config = load_config(dir_.write("tocsin.yml", text), options, {}, diagnostics);
    said_ = diagnostics.render();
    return config;
  }
  /// One job with these keys.
  probes::HttpOptions job(const std::string& keys, const std::string& root = "") {
    const auto config = load(root + "probes:\n  - {job: web, targets: [\"http://h/x\"], " + keys + "}\n");
    EXPECT_EQ(said_, "");
    EXPECT_TRUE(config && !config->targets.empty());
    return config && !config->targets.empty() ? std::get<probes::HttpOptions>(*config->targets[0].options)
                                              : probes::HttpOptions{};
  }
  probes::HttpOptions module(const std::string& yaml) {
    dir_.write("blackbox.yml", "modules:\n  mine:\n" + yaml);
    return job("module: mine", "blackbox_modules: blackbox.yml\n");
  }
  std::string wrong(const std::string& keys, const std::string& root = "") {
    EXPECT_FALSE(load(root + "probes:\n  - {job: web, targets: [\"http://h/x\"], " + keys + "}\n"));
    return said_;
  }

  test::TempDir dir_;
  std::string said_;
};

TEST_F(Blackbox, OwnKeysOfHttp) {
  const auto options = job(
      "method: POST, body_file: b.json, compression: br, http2: false, addresses: [10.0.0.1, 10.0.0.2], "
      "ip_protocol: prefer_v4, authorization: {type: Token, credentials: abc}, tls: {min_version: TLS13}, "
      "expect: {headers: {Server: nginx, X-Age: '< 60'}, version: [HTTP/1.1, 2], tls: true, certificate_valid: 14d, "
      "json: {$.depth: '< 100'}}");
  EXPECT_EQ(options.body_file, dir_ / "b.json");
  EXPECT_EQ(options.compression, net::Encoding::brotli);
  EXPECT_FALSE(options.http2);
  EXPECT_THAT(options.addresses, ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_FALSE(options.every_address);
  EXPECT_EQ(options.ip_protocol, Ip::prefer_v4);
  EXPECT_EQ(options.authorization_type, "Token");
  EXPECT_EQ(options.tls.min_version, net::TlsVersion::tls13);
  ASSERT_EQ(options.expect.headers.size(), 2U);
  EXPECT_EQ(options.expect.headers[1].name, "X-Age");
  EXPECT_EQ(options.expect.headers[1].condition, "< 60");
  EXPECT_THAT(options.expect.versions, ElementsAre(11, 20));
  EXPECT_EQ(options.expect.tls, true);
  EXPECT_EQ(options.expect.certificate_valid, std::chrono::hours(14 * 24));
  EXPECT_EQ(options.expect.json[0].condition, "< 100");
  EXPECT_TRUE(job("addresses: all").every_address);
  EXPECT_FALSE(job("addresses: first").every_address);
  EXPECT_EQ(job("method: GET").ip_protocol, Ip::any);
}

TEST_F(Blackbox, Proxies) {
  auto options =
      job("proxy_url: 'http://me:pw@proxy:3128', no_proxy: 'a,b', skip_resolve_phase_with_proxy: true, "
          "proxy_connect_header: {X-Who: {value: me}}");
  EXPECT_EQ(options.proxies.http->host, "proxy");
  EXPECT_EQ(options.proxies.https->user, "me");
  EXPECT_EQ(options.proxies.no_proxy, "a,b");
  EXPECT_TRUE(options.proxies.spare_loopback);
  EXPECT_TRUE(options.proxies.skip_resolve);
  EXPECT_EQ(options.proxies.connect_headers[0].name, "X-Who");
  EXPECT_FALSE(job("proxy_url: 'http://proxy'").proxies.spare_loopback);
  options = job("proxy_from_environment: true");
  EXPECT_EQ(options.proxies.http->host, "env");
  EXPECT_FALSE(options.proxies.https);
  EXPECT_EQ(options.proxies.no_proxy, "inside");
  EXPECT_THAT(wrong("proxy_url: 'socks5://proxy'"), HasSubstr("one with socks5:// is not supported"));
  EXPECT_THAT(wrong("proxy_url: 'http://p', addresses: all"), HasSubstr("means nothing where a proxy is asked"));
}

TEST_F(Blackbox, WrongConditions) {
  EXPECT_THAT(wrong("expect: {json: {$.depth: '< many'}}"), HasSubstr("needs a number behind <"));
  EXPECT_THAT(wrong("expect: {headers: {Server: '=~ ('}}"), HasSubstr("is not a regular expression"));
  EXPECT_THAT(wrong("expect: {version: HTTP/3.0}"), HasSubstr("HTTP/1.0, HTTP/1.1 or HTTP/2.0"));
}

TEST_F(Blackbox, TargetsWithKeysOfTheirOwn) {
  const auto config = load(R"(probes:
  - job: web
    headers: {X-Key: k}
    targets:
      - http://a/
      - {url: "http://b/", method: POST, body: hi, headers: {X-Other: o}, expect: {status: 201}, labels: {tier: edge}}
)");
  ASSERT_EQ(said_, "");
  const auto& own = std::get<probes::HttpOptions>(*config->targets.at(1).options);
  EXPECT_EQ(own.method, "POST");
  EXPECT_EQ(own.body, "hi");
  EXPECT_EQ(own.headers.at(0).name, "X-Other");
  EXPECT_EQ(own.expect.status[0].first, 201U);
  EXPECT_EQ(config->targets[1].labels.get("tier"), "edge");
  EXPECT_EQ(std::get<probes::HttpOptions>(*config->targets[0].options).method, "GET");
}

TEST_F(Blackbox, AModuleSaysAllThatTheExporterReads) {
  dir_.write("pw", "secret");
  const auto options = module(R"(
    prober: http
    timeout: 5s
    http:
      valid_status_codes: [200, 204]
      valid_http_versions: ["HTTP/1.1", "HTTP/2.0"]
      method: POST
      headers: {Accept-Language: en-US}
      http_headers: {X-Many: {values: [a, b], secrets: [c], files: [pw]}}
      body: '{}'
      body_size_limit: 10MB
      compression: gzip
      follow_redirects: false
      fail_if_ssl: false
      fail_if_not_ssl: true
      fail_if_body_matches_regexp: ["Could not connect"]
      fail_if_body_not_matches_regexp: ["ok$"]
      fail_if_header_matches: [{header: Set-Cookie, allow_missing: true, regexp: '.*'}]
      fail_if_header_not_matches: [{header: Access-Control-Allow-Origin, regexp: '(\*|example\.com)'}]
      tls_config: {insecure_skip_verify: true, server_name: other, min_version: TLS11, max_version: TLS12}
      basic_auth: {username_file: user, password_file: pw}
      proxy_url: "http://proxy:3128"
      proxy_connect_header: {Proxy-Token: [t]}
      skip_resolve_phase_with_proxy: true
      enable_http2: false
      enable_http3: false
      preferred_ip_protocol: ip4
      ip_protocol_fallback: false
    tcp: {query_response: ignored}
)");
  using Range = std::pair<unsigned, unsigned>;
  EXPECT_THAT(options.expect.status, ElementsAre(Range(200, 200), Range(204, 204)));
  EXPECT_THAT(options.expect.versions, ElementsAre(11, 20));
  EXPECT_EQ(options.method, "POST");
  ASSERT_EQ(options.headers.size(), 5U);
  EXPECT_EQ(options.headers[0].value.value.reveal(), "en-US");
  EXPECT_EQ(options.headers[4].value.file, dir_ / "pw");
  EXPECT_EQ(options.body, "{}");
  EXPECT_EQ(options.max_body, 10U << 20U);
  EXPECT_EQ(options.compression, net::Encoding::gzip);
  EXPECT_FALSE(options.follow_redirects);
  EXPECT_EQ(options.expect.tls, true);
  EXPECT_THAT(options.expect.body_not_matches, ElementsAre("Could not connect"));
  EXPECT_THAT(options.expect.body_matches, ElementsAre("ok$"));
  ASSERT_EQ(options.expect.headers.size(), 2U);
  EXPECT_EQ(options.expect.headers[0].condition, "!~ .*");
  EXPECT_TRUE(options.expect.headers[0].allow_missing);
  EXPECT_EQ(options.expect.headers[1].condition, R"(=~ (\*|example\.com))");
  EXPECT_TRUE(options.tls.insecure_skip_verify);
  EXPECT_EQ(options.tls.min_version, net::TlsVersion::tls11);
  EXPECT_EQ(options.tls.max_version, net::TlsVersion::tls12);
  EXPECT_EQ(options.user_file, dir_ / "user");
  EXPECT_EQ(options.password.file, dir_ / "pw");
  EXPECT_EQ(options.proxies.https->host, "proxy");
  EXPECT_EQ(options.proxies.connect_headers[0].value.value.reveal(), "t");
  EXPECT_TRUE(options.proxies.skip_resolve);
  EXPECT_FALSE(options.http2);
  EXPECT_EQ(options.ip_protocol, Ip::v4);
}

TEST_F(Blackbox, WhatAModuleLeavesOutIsAsInTheExporter) {
  const auto options = module("    prober: http\n");
  EXPECT_EQ(options.ip_protocol, Ip::prefer_v6);
  EXPECT_TRUE(options.http2);
  EXPECT_TRUE(options.follow_redirects);
  using Range = std::pair<unsigned, unsigned>;
  EXPECT_THAT(options.expect.status, ElementsAre(Range(200, 299)));
  EXPECT_FALSE(module("    {prober: http, http: {no_follow_redirects: true}}\n").follow_redirects);
}

TEST_F(Blackbox, OwnKeysStandBeforeTheModule) {
  dir_.write("blackbox.yml", "modules: {mine: {prober: http, timeout: 30s, http: {method: POST, headers: {A: b}}}}\n");
  const std::string root = "blackbox_modules: [blackbox.yml]\n";
  auto options = job("module: mine, method: PUT", root);
  EXPECT_EQ(options.method, "PUT");
  EXPECT_EQ(options.headers.size(), 1U);
  // Its time is cut to what there is between two probes; a target's own keys stand before both.
  const auto config = load(root + R"(probes:
  - {job: web, module: mine, interval: 10s, targets: ["http://a/", {url: "h.example/x", method: HEAD}]}
)");
  ASSERT_EQ(said_, "");
  EXPECT_EQ(config->targets[0].timeout, seconds(10));
  EXPECT_EQ(std::get<probes::HttpOptions>(*config->targets[0].options).method, "POST");
  EXPECT_EQ(std::get<probes::HttpOptions>(*config->targets[1].options).method, "HEAD");
  EXPECT_EQ(config->targets[1].labels.get("instance"), "http://h.example/x");
  // Another module is another target.
  const auto before = config->targets[0].fingerprint;
  dir_.write("blackbox.yml", "modules: {mine: {prober: http, timeout: 30s, http: {method: POST, headers: {A: c}}}}\n");
  EXPECT_NE(load(root + "probes: [{job: web, module: mine, interval: 10s, targets: [\"http://a/\"]}]")
                ->targets[0]
                .fingerprint,
            before);
}

TEST_F(Blackbox, WhatIsInForceIsWrittenSoThatItReadsTheSame) {
  dir_.write("blackbox.yml", "modules: {mine: {prober: http, http: {method: POST, fail_if_ssl: true}}}\n");
  const auto config = load(R"(blackbox_modules: blackbox.yml
probes:
  - {job: a, module: mine, targets: [h/x]}
  - {job: b, targets: "http://h/", proxy_url: "http://p", expect: {headers: {A: exists}}, addresses: first}
)");
  ASSERT_EQ(said_, "");
  const std::string dumped = dump_config(*config);
  const auto again = load(dumped);
  ASSERT_EQ(said_, "") << dumped;
  EXPECT_EQ(dump_config(*again), dumped);
  EXPECT_EQ(std::get<probes::HttpOptions>(*again->targets.at(0).options).expect.tls, false);
}

TEST_F(Blackbox, ModulesOfTheExampleAreThere) {
  EXPECT_EQ(job("module: http_post_2xx").method, "POST");
  const auto config = load("probes: [{job: web, targets: [\"http://h/\"]}]");
  const auto module = std::find_if(config->modules.begin(), config->modules.end(),
                                   [](const JobConfig& known) { return known.name == "http_2xx"; });
  ASSERT_NE(module, config->modules.end());
  // What /probe?module=http_2xx&target=... asks for.
  const auto target = make_target(*module, config->global, "example.org/health", {});
  ASSERT_TRUE(target) << target.error().detail;
  EXPECT_EQ(target->kind, "http");
  EXPECT_EQ(std::get<probes::HttpOptions>(*target->options).url.display(), "http://example.org/health");
}

TEST_F(Blackbox, SaysWhatItDoesNotUnderstand) {
  EXPECT_THAT(wrong("module: http_2x"), HasSubstr("there is no module \"http_2x\" (did you mean \"http_2xx\"?)"));
  const auto broken = [&](const std::string& yaml) {
    dir_.write("blackbox.yml", yaml);
    return wrong("module: mine", "blackbox_modules: blackbox.yml\n");
  };
  EXPECT_THAT(broken("modules: {mine: {prober: http, http: {oauth2: {client_id: x}}}}"),
              HasSubstr("OAuth 2 is not spoken here"));
  EXPECT_THAT(broken("modules: {mine: {prober: http, http: {enable_http3: true}}}"), HasSubstr("HTTP/3"));
  EXPECT_THAT(broken("modules: {mine: {prober: http, http: {fail_if_body_json_matches_cel: x}}}"), HasSubstr("CEL"));
  EXPECT_THAT(broken("modules: {mine: {prober: http, http: {valid_status: [200]}}}"),
              HasSubstr("blackbox.yml:1:39: unknown key \"valid_status\""));
  EXPECT_THAT(broken("modules: {mine: {prober: carrier_pigeon}}"), HasSubstr("needs a \"prober\" that is one of http"));
  EXPECT_THAT(broken("moduls: {}"), HasSubstr("unknown key \"moduls\""));
}

}  // namespace
}  // namespace tocsin::daemon
