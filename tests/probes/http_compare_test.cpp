// The HTTP probe side by side with blackbox_exporter, where that is installed.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>

#include "probes/http_nginx.hpp"
#include "tocsin/net/http.hpp"

namespace tocsin::probes {
namespace {

using test::HttpNginx;
using test::HttpProbe;
using namespace std::chrono_literals;

/// Series and their values from exposition text.
std::map<std::string, double> parse_exposition(const std::string& text) {
  std::map<std::string, double> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto space = line.rfind(' ');
    values[line.substr(0, space)] = std::stod(line.substr(space + 1));
  }
  return values;
}

class HttpBlackbox : public HttpNginx {
 protected:
  void SetUp() override {
    if (std::system("command -v prometheus-blackbox-exporter >/dev/null 2>&1") != 0) GTEST_SKIP() << "not installed";
    const auto ca = server_->certificates.ca_file();
    const auto config = dir_.write(
        "blackbox.yml",
        "modules:\n"
        "  plain: {prober: http, timeout: 5s, http: {tls_config: {ca_file: " +
            ca +
            "}}}\n"
            "  stay: {prober: http, timeout: 5s, http: {follow_redirects: false}}\n"
            "  regex: {prober: http, timeout: 5s, http: {fail_if_body_not_matches_regexp: [nowhere]}}\n"
            "  packed: {prober: http, timeout: 5s, http: {compression: gzip, headers: {Accept-Encoding: gzip}}}\n"
            "  header: {prober: http, timeout: 5s, http: {fail_if_header_matches: [{header: Server, regexp: nginx}]}}\n"
            "  missing: {prober: http, timeout: 5s, http: {fail_if_header_not_matches: [{header: X-No, regexp: a}]}}\n"
            "  lenient: {prober: http, timeout: 5s, http: {fail_if_header_not_matches: [{header: X-No, regexp: a, "
            "allow_missing: true}]}}\n"
            "  version: {prober: http, timeout: 5s, http: {valid_http_versions: [HTTP/2.0]}}\n"
            "  codes: {prober: http, timeout: 5s, http: {valid_status_codes: [404]}}\n"
            "  secure: {prober: http, timeout: 5s, http: {fail_if_not_ssl: true}}\n"
            "  post: {prober: http, timeout: 5s, http: {method: POST, body: hi, headers: {User-Agent: us}, "
            "fail_if_body_not_matches_regexp: ['^POST ']}}\n"
            "  old: {prober: http, timeout: 5s, http: {tls_config: {max_version: TLS12, ca_file: " +
            ca +
            "}}}\n"
            "  lax: {prober: http, timeout: 5s, http: {tls_config: {insecure_skip_verify: true}}}\n");
    child_ = std::make_unique<test::Child>(
        std::vector<std::string>{"prometheus-blackbox-exporter", "--config.file=" + config,
                                 "--web.listen-address=127.0.0.1:" + std::to_string(port_)});
    child_->wait_for_port(port_);
  }

  std::string ask(const std::string& module, const std::string& target) {
    net::BlockingPool pool(1);
    net::Connector connector(pool);
    test::TestLoop loop;
    const auto url =
        net::parse_url(HttpProbe::local(port_, "/probe?module=" + module + "&target=" + net::percent_encode(target)));
    net::HttpRequest request;
    request.target = url->request_target();
    return loop.run(net::fetch(connector, *url, std::nullopt, request, {}, test::TestLoop::in(10s))).value().body;
  }

  /// Compares every series that blackbox_exporter gives; times only by being there.
  void compare(const std::string& module, HttpOptions options, const std::string& target) {
    const auto text = ask(module, target);
    HttpProbe probe(std::move(options));
    const auto observation = probe();
    for (const auto& [series, value] : parse_exposition(text)) {
      SCOPED_TRACE(target + " " + series);
      auto ours = probe.values.find(series);
      if (series.starts_with("probe_ssl_last_chain_info")) {
        // Later versions of blackbox_exporter add the serial number.
        ours = std::find_if(probe.values.begin(), probe.values.end(),
                            [](const auto& entry) { return entry.first.starts_with("probe_ssl_last_chain_info{"); });
        ASSERT_NE(ours, probe.values.end());
        auto labels = ours->first;
        if (series.find("serialnumber") == std::string::npos) {
          const auto at = labels.find(",serialnumber=");
          labels.erase(at, labels.find(',', at + 1) - at);
        }
        EXPECT_EQ(labels, series);
      }
      ASSERT_NE(ours, probe.values.end()) << observation.detail;
      const bool a_time =
          series.find("duration_seconds") != std::string::npos || series.find("time_seconds") != std::string::npos;
      if (!a_time) {
        EXPECT_EQ(ours->second, value);
      } else if (module != "stay") {
        EXPECT_EQ(ours->second == 0, value == 0);
      }
      const auto name = series.substr(0, series.find('{'));
      EXPECT_NE(text.find("# TYPE " + name + " gauge"), std::string::npos);
      EXPECT_TRUE(std::ranges::any_of(http_metadata(), [&](const auto& meta) { return meta.name == name; })) << name;
    }
    // What we give beyond its version: nothing but these.
    const auto theirs = parse_exposition(text);
    for (const auto& [series, value] : probe.values) {
      const bool newer = series.starts_with("probe_timeout_seconds") || series.starts_with("probe_tls_cipher_info") ||
                         series.starts_with("probe_ssl_last_chain_info") || series.starts_with("tocsin_");
      EXPECT_TRUE(newer || theirs.contains(series)) << target << " " << series;
    }
  }
  void compare(const std::string& module, HttpOptions options) {
    const auto target = options.url.display();
    compare(module, std::move(options), target);
  }

  test::TempDir dir_;
  std::uint16_t port_ = test::free_port();
  std::unique_ptr<test::Child> child_;
};

TEST_F(HttpBlackbox, SaysTheSame) {
  for (const char* path :
       {"/", "/nothing", "/absent", "/bad", "/busy", "/redirect", "/permanent", "/loop", "/health.json"}) {
    compare("plain", plain(path));
  }
  compare("plain", HttpProbe::to(HttpProbe::local(test::free_port())));
  compare("plain", HttpProbe::to("http://name.invalid/"));
}

TEST_F(HttpBlackbox, SaysTheSameOfBodiesAndRedirectsNotFollowed) {
  auto options = plain("/");
  options.expect.body_matches = {"nowhere"};
  compare("regex", options);
  options = plain("/redirect");
  options.follow_redirects = false;
  compare("stay", options);
}

TEST_F(HttpBlackbox, SaysTheSameOfAllThatMayBeExpected) {
  auto options = plain("/packed");
  options.compression = net::Encoding::gzip;
  compare("packed", options);
  options = plain("/");  // not compressed
  options.compression = net::Encoding::gzip;
  compare("packed", options);
  options = plain("/");
  options.expect.headers = {{"Server", "!~ nginx"}};
  compare("header", options);
  options.expect.headers = {{"X-No", "=~ a"}};
  compare("missing", options);
  options.expect.headers = {{"X-No", "=~ a", true}};
  compare("lenient", options);
  options = plain("/");
  options.expect.versions = {20};
  compare("version", options);
  options = plain("/absent");
  options.expect.status = {{404, 404}};
  compare("codes", options);
  options = plain("/");
  options.expect.tls = true;
  compare("secure", options);
  options = plain("/echo");
  options.method = "POST";
  options.body = "hi";
  options.headers = {{"User-Agent", {core::Secret("us"), {}}}};  // the answer repeats it
  options.expect.body_matches = {"^POST "};
  compare("post", options);
}

TEST_F(HttpBlackbox, SaysTheSameOfTls) {
  compare("plain", secure(server_->good));
  compare("plain", secure(server_->http2));
  auto old = secure(server_->good);
  old.tls.max_version = net::TlsVersion::tls12;
  compare("old", old);
  auto options = secure(server_->expired);
  options.tls.insecure_skip_verify = true;
  compare("lax", options);
  auto upgrade = plain("/tls");
  upgrade.tls.ca_file = server_->certificates.ca_file();
  compare("plain", upgrade);
}

}  // namespace
}  // namespace tocsin::probes
