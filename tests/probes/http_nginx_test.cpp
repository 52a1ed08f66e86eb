// The HTTP probe against a real nginx: statuses, bodies, redirects, TLS.
#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "probes/http_nginx.hpp"
#include "support/fake_peer.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using core::Phase;
using test::HttpNginx;
using test::HttpProbe;

TEST_F(HttpNginx, Statuses) {
  struct Case {
    const char* path;
    Outcome outcome;
    double status;
  };
  for (const Case& c :
       {Case{"/", Outcome::ok, 200}, Case{"/nothing", Outcome::ok, 204}, Case{"/absent", Outcome::unexpected, 404},
        Case{"/bad", Outcome::unexpected, 503}, Case{"/busy", Outcome::throttled, 429},
        Case{"/auth", Outcome::auth, 401}, Case{"/forbidden", Outcome::auth, 403}, Case{"/redirect", Outcome::ok, 200},
        Case{"/permanent", Outcome::ok, 200}, Case{"/loop", Outcome::limit, 302}}) {
    HttpProbe probe(plain(c.path));
    const auto observation = probe();
    EXPECT_EQ(observation.outcome, c.outcome) << c.path << ": " << observation.detail;
    EXPECT_EQ(probe.value("probe_http_status_code"), c.status) << c.path;
  }
}

TEST_F(HttpNginx, BasicAuthentication) {
  auto options = plain("/auth");
  options.user = "me";
  options.password.value = core::Secret("pw");
  EXPECT_EQ(HttpProbe(options)().outcome, Outcome::ok);
  options.password.value = core::Secret("wrong");
  const auto observation = HttpProbe(options)();
  EXPECT_EQ(observation.outcome, Outcome::auth);
  EXPECT_EQ(observation.detail, "status 401, expected 200-299");
}

TEST_F(HttpNginx, MethodsHeadersAndHost) {
  auto options = plain("/echo");
  options.method = "OPTIONS";
  options.headers.push_back({"Host", {}});
  options.headers.push_back({"X-Key", {}});
  options.headers[0].value.value = core::Secret("www.example.org");
  options.headers[1].value.value = core::Secret("k");
  options.expect.body_matches = {"^OPTIONS www\\.example\\.org k tocsin/"};
  const auto observation = HttpProbe(options)();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  options = plain("/");
  options.method = "HEAD";
  HttpProbe head(options);
  EXPECT_EQ(head().outcome, Outcome::ok);
  EXPECT_EQ(head.value("probe_http_content_length"), 6);
  EXPECT_EQ(head.value("probe_http_uncompressed_body_length"), 0);
}

TEST_F(HttpNginx, JsonOfABody) {
  auto options = plain("/health.json");
  options.expect.json = {{"$.database", "ok"}, {"$.queue.depth", "3"}, {"$['list'][1].a", "true"}};
  EXPECT_EQ(HttpProbe(options)().outcome, Outcome::ok);
  options.expect.json[0].condition = "down";
  EXPECT_EQ(HttpProbe(options)().detail, "$.database is \"ok\", expected \"down\"");
}

TEST_F(HttpNginx, RedirectsAreNotFollowedWhereNotWanted) {
  auto options = plain("/redirect");
  options.follow_redirects = false;
  options.expect.status = {{302, 302}};
  HttpProbe probe(options);
  EXPECT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.value("probe_http_redirects"), 1);
}

TEST_F(HttpNginx, TlsThatIsGood) {
  HttpProbe probe(secure(server_->good));
  const auto observation = probe();
  ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(probe.value("probe_http_ssl"), 1);
  EXPECT_EQ(probe.value("probe_ssl_earliest_cert_expiry"),
            probe.value("probe_ssl_last_chain_expiry_timestamp_seconds"));
  EXPECT_GT(probe.value("probe_http_duration_seconds{phase=\"tls\"}"), 0);
}

TEST_F(HttpNginx, TlsThatIsNotTrustedStillTellsItsExpiry) {
  for (const auto port : {server_->expired, server_->self_signed, server_->wrong_host}) {
    HttpProbe probe(secure(port));
    const auto observation = probe();
    EXPECT_EQ(observation.outcome, Outcome::tls);
    EXPECT_EQ(observation.phase, Phase::tls);
    EXPECT_FALSE(observation.detail.empty());
    EXPECT_GT(probe.value("probe_ssl_earliest_cert_expiry"), 1.6e9);
    EXPECT_FALSE(probe.has("probe_ssl_last_chain_expiry_timestamp_seconds"));
    EXPECT_EQ(probe.value("probe_success"), 0);
    EXPECT_EQ(probe.value("probe_http_status_code"), 0);
    const auto info = probe.values.lower_bound("probe_ssl_last_chain_info{");
    ASSERT_NE(info, probe.values.end());
    EXPECT_EQ(info->first.substr(0, 26), "probe_ssl_last_chain_info{");

    auto lax = secure(port);
    lax.tls.insecure_skip_verify = true;
    HttpProbe all(lax);
    EXPECT_EQ(all().outcome, Outcome::ok);
    EXPECT_EQ(all.value("probe_ssl_last_chain_expiry_timestamp_seconds"), -62135596800.0);
  }
}

TEST_F(HttpNginx, UnknownAuthority) {
  auto options = secure(server_->good);
  options.tls.ca_file.clear();
  EXPECT_EQ(HttpProbe(options)().outcome, Outcome::tls);
}

TEST_F(HttpNginx, RedirectsBetweenPlainAndTls) {
  auto options = plain("/tls");
  options.tls.ca_file = server_->certificates.ca_file();
  HttpProbe up(options);
  const auto observation = up();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(up.value("probe_http_ssl"), 1);
  EXPECT_EQ(up.value("probe_http_redirects"), 1);
  HttpProbe down(secure(server_->good, "/down?port=" + std::to_string(server_->plain)));
  EXPECT_EQ(down().outcome, Outcome::ok);
  EXPECT_EQ(down.value("probe_http_ssl"), 0);
  EXPECT_FALSE(down.has("probe_ssl_earliest_cert_expiry"));
}

/// The labels of a series as `exposed` writes it: their names alone.
std::string label_names(const std::string& series) {
  std::string names;
  bool in_value = false;
  std::string name;
  for (const char c : series.substr(std::min(series.find('{'), series.size()))) {
    if (c == '"') in_value = !in_value;
    if (in_value) continue;
    if (c == '=') names += (names.empty() ? "" : ",") + std::exchange(name, {});
    if (c >= 'a' && c <= 'z') name += c;
    if (c == '_' || (c >= '0' && c <= '9')) name += c;
    if (c == ',' || c == '"') name.clear();
  }
  return names;
}

/// Every metric that blackbox_exporter gives by default, with its type and labels, and no other beside tocsin's own.
TEST_F(HttpNginx, KeepsTheContract) {
  HttpProbe probe(secure(server_->good));
  ASSERT_EQ(probe().outcome, Outcome::ok);
  std::map<std::string, std::string> given;
  for (const auto& [series, value] : probe.values) given[series.substr(0, series.find('{'))] = label_names(series);
  std::ifstream file(TOCSIN_SOURCE_DIR "/tests/probes/data/http/contract.tsv");
  int promised = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    ++promised;
    std::istringstream columns(line);
    std::string name, type, labels;
    std::getline(columns, name, '\t');
    std::getline(columns, type, '\t');
    std::getline(columns, labels, '\t');
    ASSERT_TRUE(given.contains(name)) << name;
    // In our order of labels: by name.
    std::set<std::string> wanted;
    std::istringstream words(labels);
    for (std::string word; std::getline(words, word, ',');) wanted.insert(word);
    std::string sorted;
    for (const std::string& word : wanted) sorted += (sorted.empty() ? "" : ",") + word;
    EXPECT_EQ(given.at(name), sorted) << name;
    const auto meta = http_metadata();
    const auto told = std::find_if(meta.begin(), meta.end(), [&](const auto& one) { return one.name == name; });
    ASSERT_NE(told, meta.end()) << name;
    EXPECT_EQ(core::to_string(told->type), type) << name;
    given.erase(name);
  }
  EXPECT_EQ(promised, 20);
  for (const auto& [name, labels] : given) EXPECT_TRUE(name.starts_with("tocsin_")) << name;
}

TEST_F(HttpNginx, CompressedBodies) {
  auto options = plain("/packed");
  options.compression = net::Encoding::gzip;
  options.expect.json = {{"$.database", "ok"}};
  options.expect.headers = {{"Content-Encoding", "gzip"}, {"x-way", "=~ ^pack"}};
  HttpProbe probe(options);
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(probe.value("probe_http_uncompressed_body_length"), 59);
  EXPECT_EQ(probe.value("probe_http_content_length"), -1);
  // What is not compressed is not what was asked for.
  options = plain("/");
  options.compression = net::Encoding::gzip;
  HttpProbe bare(options);
  EXPECT_EQ(bare().outcome, Outcome::protocol);
  EXPECT_EQ(bare.value("probe_http_status_code"), 200);
  EXPECT_EQ(bare.value("probe_http_uncompressed_body_length"), 0);
}

TEST_F(HttpNginx, Http2WhereBothSpeakIt) {
  auto options = secure(server_->http2, "/health.json");
  options.expect.json = {{"$.queue.depth", "< 4"}};
  options.expect.versions = {20};
  HttpProbe probe(options);
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(probe.value("probe_http_version"), 2);
  EXPECT_EQ(probe.value("probe_http_content_length"), 59);
  EXPECT_EQ(probe.value("probe_http_uncompressed_body_length"), 59);
  EXPECT_TRUE(probe.has("probe_http_last_modified_timestamp_seconds"));
  options.http2 = false;
  HttpProbe older(options);
  EXPECT_EQ(older().detail, "answered with HTTP/1.1, expected HTTP/2.0");
  EXPECT_EQ(older.value("probe_http_version"), 1.1);
}

/// Answers CONNECT and passes bytes on to a local port until one side has enough.
test::FakePeer::Script tunnel(std::uint16_t port) {
  return [port](test::FakeConnection& connection) {
    if (connection.read_until("\r\n\r\n").empty()) return;
    const int far = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool connected = ::connect(far, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    connection.send(connected ? "HTTP/1.1 200 Connection established\r\n\r\n" : "HTTP/1.1 502 Bad\r\n\r\n");
    char bytes[16384];
    while (connected) {
      pollfd both[2] = {{connection.fd(), POLLIN, 0}, {far, POLLIN, 0}};
      if (::poll(both, 2, 5000) <= 0) break;
      const int from = both[0].revents != 0 ? connection.fd() : far;
      const ssize_t size = ::recv(from, bytes, sizeof bytes, 0);
      if (size <= 0) break;
      const int to = from == far ? connection.fd() : far;
      if (::send(to, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL) != size) break;
    }
    ::close(far);
  };
}

TEST_F(HttpNginx, TlsThroughAProxy) {
  test::FakePeer proxy(tunnel(server_->good));
  auto options = HttpProbe::to("https://localhost:1/");  // where nothing listens
  options.tls.ca_file = server_->certificates.ca_file();
  options.proxies.https = net::parse_url("http://127.0.0.1:" + std::to_string(proxy.port())).value();
  HttpProbe probe(options);
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(probe.value("probe_http_ssl"), 1);
  EXPECT_EQ(probe.value("probe_ip_protocol"), 4);
  EXPECT_TRUE(probe.has("probe_ssl_earliest_cert_expiry"));

  test::FakePeer broken(tunnel(test::free_port()));
  options.proxies.https = net::parse_url("http://127.0.0.1:" + std::to_string(broken.port())).value();
  const auto refused = HttpProbe(options)();
  EXPECT_EQ(refused.outcome, Outcome::connect);
  EXPECT_EQ(refused.phase, Phase::connect);
}

}  // namespace
}  // namespace tocsin::probes
