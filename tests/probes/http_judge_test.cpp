// What a sight is judged to be, and the rows it becomes.
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "http/judge.hpp"
#include "http/series.hpp"

namespace tocsin::probes::http {
namespace {

using core::Condition;
using core::Outcome;
using core::Phase;
using namespace std::chrono_literals;

Sight saw(unsigned status, std::string body = "") {
  Sight sight;
  sight.response.status = status;
  sight.response.body = std::move(body);
  sight.address.emplace();
  sight.address->bytes = {127, 0, 0, 1};
  return sight;
}

TEST(HttpJudge, StatusByItsMeaning) {
  struct Case {
    unsigned status;
    Outcome outcome;
  };
  const Judge judge{HttpExpectations{}};
  for (const Case c : {Case{200, Outcome::ok}, Case{299, Outcome::ok}, Case{304, Outcome::unexpected},
                       Case{404, Outcome::unexpected}, Case{503, Outcome::unexpected}, Case{429, Outcome::throttled},
                       Case{401, Outcome::auth}, Case{403, Outcome::auth}}) {
    const auto verdict = judge.judge(saw(c.status));
    EXPECT_EQ(verdict.outcome, c.outcome) << c.status;
    EXPECT_EQ(verdict.phase, c.outcome == Outcome::ok ? Phase::none : Phase::expect);
  }
  EXPECT_EQ(judge.judge(saw(503)).detail, "status 503, expected 200-299");
}

TEST(HttpJudge, ExpectedStatusIsGood) {
  HttpExpectations expect;
  expect.status = {{200, 200}, {401, 429}};
  const Judge judge(expect);
  for (const unsigned status : {200U, 401U, 403U, 429U})
    EXPECT_EQ(judge.judge(saw(status)).outcome, Outcome::ok) << status;
  EXPECT_EQ(judge.judge(saw(201)).detail, "status 201, expected 200, 401-429");
}

TEST(HttpJudge, FailureStandsBeforeEverything) {
  auto sight = saw(200);
  sight.failure = core::Failure{Outcome::timeout, Phase::receive, "late"};
  const auto verdict = Judge{HttpExpectations{}}.judge(sight);
  EXPECT_EQ(verdict.outcome, Outcome::timeout);
  EXPECT_EQ(verdict.phase, Phase::receive);
  EXPECT_EQ(verdict.detail, "late");
}

TEST(HttpJudge, Bodies) {
  HttpExpectations expect;
  expect.body_matches = {"o+k", "(?i)DONE"};
  expect.body_not_matches = {"err(or)?"};
  const Judge judge(expect);
  EXPECT_EQ(judge.judge(saw(200, "all ok, done.")).outcome, Outcome::ok);
  const auto missing = judge.judge(saw(200, "all ok"));
  EXPECT_EQ(missing.outcome, Outcome::unexpected);
  EXPECT_TRUE(missing.failed_by_regex);
  EXPECT_EQ(missing.detail, "the body does not match (?i)DONE");
  EXPECT_EQ(judge.judge(saw(200, "ok done error")).detail, "the body matches err(or)?");
  // A wrong status is told first, and is not the regular expression's fault.
  EXPECT_FALSE(judge.judge(saw(500, "error")).failed_by_regex);
}

TEST(HttpJudge, Json) {
  HttpExpectations expect;
  expect.json = {{"$.database", "ok"}, {"$.queue.depth", "3"}};
  const Judge judge(expect);
  EXPECT_EQ(judge.judge(saw(200, R"({"database":"ok","queue":{"depth":3}})")).outcome, Outcome::ok);
  EXPECT_EQ(judge.judge(saw(200, R"({"database":"down\n","queue":{"depth":3}})")).detail,
            "$.database is \"down?\", expected \"ok\"");
  EXPECT_EQ(judge.judge(saw(200, R"({"database":"ok"})")).detail, "the body has no $.queue.depth");
  const auto html = judge.judge(saw(200, "<html>"));
  EXPECT_EQ(html.outcome, Outcome::unexpected);
  EXPECT_FALSE(html.failed_by_regex);
}

TEST(HttpJudge, JsonConditions) {
  const std::string body = R"({"depth":99.5,"name":"v2.1","none":null,"text":"17"})";
  const auto verdict = [&](const std::string& path, const std::string& condition) {
    HttpExpectations expect;
    expect.json = {{path, condition}};
    return Judge(expect).judge(saw(200, body)).detail;
  };
  for (const auto& [path, condition] :
       {std::pair("$.depth", "< 100"), std::pair("$.depth", ">= 99.5"), std::pair("$.text", "> 16"),
        std::pair("$.name", "=~ ^v2"), std::pair("$.name", "!= v1"), std::pair("$.none", "exists"),
        std::pair("$.other", "absent"), std::pair("$.name", "!~ ^v3")}) {
    EXPECT_EQ(verdict(path, condition), "") << path << " " << condition;
  }
  EXPECT_EQ(verdict("$.depth", "< 99"), "$.depth is \"99.5\", expected < 99");
  EXPECT_EQ(verdict("$.name", "> 1"), "$.name is \"v2.1\", expected > 1");
  EXPECT_EQ(verdict("$.name", "=~ ^v3"), "$.name is \"v2.1\", expected to match ^v3");
  EXPECT_EQ(verdict("$.name", "absent"), "$.name is \"v2.1\", expected nothing");
  EXPECT_EQ(verdict("$.other", "!= x"), "the body has no $.other");
}

TEST(HttpJudge, Headers) {
  const auto verdict = [](HeaderExpectation wanted) {
    HttpExpectations expect;
    expect.headers = {std::move(wanted)};
    auto sight = saw(200);
    sight.response.headers = {{"X-Node", "a1"}, {"Via", "one"}, {"x-node", "b2"}};
    return Judge(expect).judge(sight);
  };
  EXPECT_EQ(verdict({"x-NODE", "b2"}).outcome, Outcome::ok);  // one of them is
  EXPECT_EQ(verdict({"X-Node", "=~ ^a"}).outcome, Outcome::ok);
  EXPECT_EQ(verdict({"X-Node", "!~ c"}).outcome, Outcome::ok);
  EXPECT_EQ(verdict({"Server", "absent"}).outcome, Outcome::ok);
  EXPECT_EQ(verdict({"Server", "nginx", true}).outcome, Outcome::ok);
  const auto bad = verdict({"X-Node", "!~ 2"});  // all must not
  EXPECT_EQ(bad.outcome, Outcome::unexpected);
  EXPECT_TRUE(bad.failed_by_regex);
  EXPECT_EQ(bad.detail, "the header X-Node is \"a1\", expected not to match 2");
  EXPECT_EQ(verdict({"Server", "!~ x"}).detail, "there is no header Server");
  EXPECT_EQ(verdict({"Via", "absent"}).outcome, Outcome::unexpected);
}

TEST(HttpJudge, VersionsAndTls) {
  HttpExpectations expect;
  expect.versions = {11, 20};
  auto sight = saw(200);
  sight.response.version = 10;
  EXPECT_EQ(Judge(expect).judge(sight).detail, "answered with HTTP/1.0, expected HTTP/1.1, HTTP/2.0");
  sight.response.version = 20;
  EXPECT_EQ(Judge(expect).judge(sight).outcome, Outcome::ok);
  expect.tls = true;
  EXPECT_EQ(Judge(expect).judge(sight).detail, "the answer did not come over TLS");
  sight.tls_used = true;
  EXPECT_EQ(Judge(expect).judge(sight).outcome, Outcome::ok);
  expect.tls = false;
  EXPECT_EQ(Judge(expect).judge(sight).outcome, Outcome::unexpected);
}

TEST(HttpJudge, CertificatesThatLastLongEnough) {
  HttpExpectations expect;
  expect.certificate_valid = std::chrono::hours(14 * 24);
  const Judge judge(expect);
  auto sight = saw(200);
  EXPECT_EQ(judge.judge(sight).outcome, Outcome::ok);  // no TLS, no certificate
  sight.tls_used = true;
  sight.tls.emplace();
  sight.at = core::from_millis(1'700'000'000'000);
  sight.tls->earliest_expiry = sight.at + std::chrono::hours(14 * 24);
  EXPECT_EQ(judge.judge(sight).outcome, Outcome::ok);
  sight.tls->earliest_expiry = sight.at + std::chrono::hours(36);
  EXPECT_EQ(judge.judge(sight).detail, "a certificate expires in 1d12h, expected at least 2w");
  sight.tls->earliest_expiry = sight.at - std::chrono::hours(1);
  EXPECT_EQ(judge.judge(sight).detail, "a certificate has expired");
}

TEST(HttpJudge, WhatIsNotCompressedAsExpectedIsBadWhateverElseIsGood) {
  auto sight = saw(200);
  sight.body_failure = core::Failure{Outcome::protocol, Phase::receive, "the body is not gzip"};
  EXPECT_EQ(Judge(HttpExpectations{}).judge(sight).outcome, Outcome::protocol);
  sight.response.status = 503;
  EXPECT_EQ(Judge(HttpExpectations{}).judge(sight).detail, "status 503, expected 200-299");
}

TEST(HttpCondition, RefusesWhatIsNone) {
  for (const char* text : {"< ", "> x", "<=1s", ">= nan", "=~ (", "!~ ["}) EXPECT_FALSE(Condition::parse(text)) << text;
  for (const char* text : {"", "ok", "<1", ">= -2.5e3", "=~", "== <html>", "!=", "= 1"})
    EXPECT_TRUE(Condition::parse(text)) << text;
  EXPECT_TRUE(Condition::parse("== exists")->holds("exists"));
  EXPECT_FALSE(Condition::parse("== exists")->holds("there"));
  EXPECT_TRUE(Condition::parse("")->holds(""));
}

TEST(HttpJudge, Within) {
  HttpExpectations expect;
  expect.within = 500ms;
  const Judge judge(expect);
  auto sight = saw(200);
  sight.took = 500ms;
  EXPECT_EQ(judge.judge(sight).outcome, Outcome::ok);
  sight.took = 500ms + 1ns;
  const auto verdict = judge.judge(sight);
  EXPECT_EQ(verdict.outcome, Outcome::unexpected);
  EXPECT_EQ(verdict.phase, Phase::expect);
  EXPECT_EQ(verdict.detail, "took 501ms, expected at most 500ms");
}

TEST(HttpJudge, RefusesBadExpectations) {
  HttpExpectations expect;
  expect.body_matches = {"("};
  EXPECT_THROW(Judge{expect}, std::invalid_argument);
  EXPECT_FALSE(check_expectations(expect));
  expect.body_matches = {};
  expect.json = {{"database", "ok"}};
  EXPECT_THROW(Judge{expect}, std::invalid_argument);
  expect.json = {{"$.database", "< many"}};
  EXPECT_NE(check_expectations(expect).error().detail.find("$.database"), std::string::npos);
  expect.json = {{"$.database", "ok"}};
  EXPECT_TRUE(check_expectations(expect));
  expect.headers = {{"Server", "=~ ("}};
  EXPECT_FALSE(check_expectations(expect));
}

class HttpSeriesTest : public testing::Test {
 protected:
  std::map<std::string, double> rows(const Sight& sight, const Verdict& verdict = {}) {
    table_.begin();
    series_.append(table_, sight, verdict, 2s);
    const auto batch = table_.take();
    fresh_ = batch.fresh.size();
    for (const auto& made : batch.fresh) names_[made.slot] = made.labels.to_string();
    std::map<std::string, double> values;
    for (const auto& row : batch.rows) EXPECT_TRUE(values.emplace(names_.at(row.slot), row.value).second);
    return values;
  }

  core::SeriesTable table_;
  HttpSeries series_{core::Labels{{"job", "j"}}};
  std::map<core::Slot, std::string> names_;
  std::size_t fresh_ = 0;
};

TEST_F(HttpSeriesTest, SteadyProbesIntroduceNothing) {
  auto sight = saw(200, "hello\n");
  sight.response.content_length = 6;
  sight.response.headers.emplace_back("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT");
  sight.took = 1500ms;
  sight.phases.transfer = 250ms;
  auto values = rows(sight);
  EXPECT_EQ(fresh_, 19U);
  EXPECT_EQ(values.at("probe_success{job=\"j\"}"), 1);
  EXPECT_EQ(values.at("probe_duration_seconds{job=\"j\"}"), 1.5);
  EXPECT_EQ(values.at("probe_timeout_seconds{job=\"j\"}"), 2);
  EXPECT_EQ(values.at("probe_ip_protocol{job=\"j\"}"), 4);
  EXPECT_EQ(values.at("probe_ip_addr_hash{job=\"j\"}"), 3668918509);  // what blackbox_exporter says of 127.0.0.1
  EXPECT_EQ(values.at("probe_http_version{job=\"j\"}"), 1.1);
  EXPECT_EQ(values.at("probe_http_content_length{job=\"j\"}"), 6);
  EXPECT_EQ(values.at("probe_http_last_modified_timestamp_seconds{job=\"j\"}"), 784111777);
  EXPECT_EQ(values.at("probe_http_duration_seconds{job=\"j\", phase=\"transfer\"}"), 0.25);
  const auto again = rows(sight);
  EXPECT_EQ(fresh_, 0U);
  EXPECT_EQ(values, again);
}

TEST_F(HttpSeriesTest, WithoutAddressOnlyResolveIsTimed) {
  Sight sight;
  sight.failure = core::Failure{Outcome::resolve, Phase::resolve, ""};
  Verdict verdict;
  verdict.outcome = Outcome::resolve;
  const auto values = rows(sight, verdict);
  EXPECT_EQ(values.size(), 14U);
  EXPECT_TRUE(values.contains("probe_http_duration_seconds{job=\"j\", phase=\"resolve\"}"));
  EXPECT_FALSE(values.contains("probe_http_duration_seconds{job=\"j\", phase=\"connect\"}"));
  EXPECT_EQ(values.at("probe_http_status_code{job=\"j\"}"), 0);
  EXPECT_EQ(values.at("probe_http_version{job=\"j\"}"), 0);
  EXPECT_EQ(values.at("probe_ip_protocol{job=\"j\"}"), 0);
}

TEST_F(HttpSeriesTest, Certificates) {
  auto sight = saw(200);
  sight.tls_used = true;
  sight.tls.emplace();
  sight.tls->version = "TLS 1.3";
  sight.tls->cipher = "TLS_AES_128_GCM_SHA256";
  sight.tls->fingerprint_sha256 = "ab";
  sight.tls->subject = "CN=x";
  sight.tls->issuer = "CN=y";
  sight.tls->serial = "1f";
  sight.tls->subject_alternative = "x,y";
  sight.tls->earliest_expiry = core::from_millis(2'000'000'000'000);
  const std::string info =
      R"(probe_ssl_last_chain_info{fingerprint_sha256="ab", issuer="CN=y", job="j", serialnumber="1f", subject="CN=x", )"
      R"(subjectalternative="x,y"})";
  const std::string chain = "probe_ssl_last_chain_expiry_timestamp_seconds{job=\"j\"}";
  auto values = rows(sight);
  EXPECT_EQ(values.at(info), 1);
  EXPECT_EQ(values.at("probe_tls_version_info{job=\"j\", version=\"TLS 1.3\"}"), 1);
  EXPECT_EQ(values.at("probe_tls_cipher_info{cipher=\"TLS_AES_128_GCM_SHA256\", job=\"j\"}"), 1);
  EXPECT_EQ(values.at("probe_ssl_earliest_cert_expiry{job=\"j\"}"), 2e9);
  EXPECT_EQ(values.at(chain), -62135596800.0);  // nothing was verified
  sight.tls->chain_expiry = core::from_millis(2'100'000'000'999);
  EXPECT_EQ(rows(sight).at(chain), 2.1e9);
  rows(sight);
  EXPECT_EQ(fresh_, 0U);
  // A certificate that is not trusted: its expiry stands, a chain there is none.
  sight.tls->chain_expiry.reset();
  sight.tls->verify_error = "expired";
  sight.tls->fingerprint_sha256 = "cd";
  values = rows(sight);
  EXPECT_FALSE(values.contains(chain));
  EXPECT_FALSE(values.contains(info));
  EXPECT_EQ(values.at("probe_ssl_earliest_cert_expiry{job=\"j\"}"), 2e9);
}

TEST(HttpSight, AResponseWithoutItsWholeHeadIsNone) {
  const auto status = [](const net::Headers& headers, const std::string& body, std::optional<std::uint64_t> length) {
    net::HttpResponse response;
    response.status = 200;
    response.headers = headers;
    response.body = body;
    response.content_length = length;
    drop_headless(response, 1000);
    return response.status;
  };
  EXPECT_EQ(status({}, "", std::nullopt), 0U);
  EXPECT_EQ(status({{"Content-Length", "10"}}, "", std::nullopt), 0U);
  EXPECT_EQ(status({{"Content-Length", "10"}}, "", 10), 200U);
  EXPECT_EQ(status({{"Content-Length", "1001"}}, "", std::nullopt), 200U);
  EXPECT_EQ(status({{"Transfer-Encoding", "chunked"}}, "", std::nullopt), 200U);
  EXPECT_EQ(status({}, "x", std::nullopt), 200U);
}

TEST(HttpSeries, LengthAsGoSeesIt) {
  net::HttpResponse response;
  EXPECT_EQ(content_length(response), 0);
  response.status = 200;
  EXPECT_EQ(content_length(response), -1);
  response.content_length = 5;
  EXPECT_EQ(content_length(response), 5);
  response.content_length.reset();
  response.status = 204;
  EXPECT_EQ(content_length(response), 0);
}

TEST(HttpSeries, HashesAddressesAsBlackboxDoes) {
  net::Endpoint address;
  address.v6 = true;
  address.bytes[15] = 1;
  EXPECT_EQ(address_hash(address), 1751717746U);  // of ::1
}

}  // namespace
}  // namespace tocsin::probes::http
