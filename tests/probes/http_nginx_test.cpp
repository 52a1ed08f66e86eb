// The HTTP probe against a real nginx: statuses, bodies, redirects, TLS.
#include "probes/http_nginx.hpp"

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
  options.expect.json[0].equals = "down";
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

}  // namespace
}  // namespace tocsin::probes
