// The parts of the HTTP probe that need no socket: dates, requests and redirects.
#include <gtest/gtest.h>

#include "http/addresses.hpp"
#include "http/date.hpp"
#include "http/proxy.hpp"
#include "http/request.hpp"
#include "support/temp_dir.hpp"

namespace tocsin::probes::http {
namespace {

TEST(HttpDate, ReadsAllThreeForms) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), 784111777);
  EXPECT_EQ(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  EXPECT_EQ(parse_http_date("Tue, 29 Feb 2028 23:59:59 GMT"), 1835481599);
}

TEST(HttpDate, RefusesTheRest) {
  for (const char* text :
       {"", "0", "-1", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Now 1994 08:49:37 GMT", "Sun, 06 Nov 199 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT x"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

net::Url url(const std::string& text) { return net::parse_url(text).value(); }

std::string header_of(const net::HttpRequest& request, std::string_view name) {
  return std::string(net::header(request.headers, name));
}

HttpOptions options_for(const std::string& target) {
  HttpOptions options;
  options.url = url(target);
  return options;
}

core::SecretSource given(const std::string& text) {
  core::SecretSource source;
  source.value = core::Secret(text);
  return source;
}

TEST(HttpRequest, SaysWhoAsksAndProvesIt) {
  auto options = options_for("http://host:81/a?b=c");
  options.headers.push_back({"X-Api-Key", given("k")});
  options.user = "Aladdin";
  options.password = given("open sesame");
  auto request = build_request(options).value();
  EXPECT_EQ(request.target, "/a?b=c");
  EXPECT_EQ(header_of(request, "Host"), "host:81");
  EXPECT_EQ(header_of(request, "Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(header_of(request, "X-Api-Key"), "k");
  EXPECT_EQ(header_of(request, "Connection"), "close");
  EXPECT_EQ(header_of(request, "User-Agent").substr(0, 7), "tocsin/");
  options.bearer = given("tok");
  request = build_request(options).value();
  EXPECT_EQ(header_of(request, "Authorization"), "Bearer tok");
  for (const auto& [user, text] : {std::pair("a", "YTpi"), std::pair("ab", "YWI6Yg=="), std::pair("abc", "YWJjOmI=")}) {
    auto basic = options_for("http://h/");
    basic.user = user;
    basic.password = given("b");
    EXPECT_EQ(header_of(build_request(basic).value(), "Authorization"), std::string("Basic ") + text);
  }
}

TEST(HttpRequest, TakesSecretsFromFilesEachTime) {
  const test::TempDir dir;
  auto options = options_for("http://host/");
  options.headers.push_back({"X-Api-Key", {}});
  options.headers[0].value.file = dir / "key";
  EXPECT_TRUE(reads_files(options));
  const auto missing = build_request(options);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().outcome, core::Outcome::auth);
  dir.write("key", "one\n");
  EXPECT_EQ(header_of(build_request(options).value(), "X-Api-Key"), "one");
  dir.write("key", "two\r\nHost: evil");
  const auto broken = build_request(options);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().detail.find("evil"), std::string::npos);
}

TEST(HttpRequest, KnowsWhomToTrust) {
  const auto trusted = [](const char* home, const char* other) { return same_trust(url(home), url(other)); };
  EXPECT_TRUE(trusted("http://a/x", "http://A:80/y"));
  EXPECT_TRUE(trusted("http://a/", "https://a/"));
  EXPECT_TRUE(trusted("https://a:8443/", "https://a:8443/z"));
  EXPECT_FALSE(trusted("https://a/", "http://a/"));  // from the clear nobody takes it back
  EXPECT_FALSE(trusted("http://a/", "http://b/"));
  EXPECT_FALSE(trusted("http://a/", "http://a:81/"));
  EXPECT_FALSE(trusted("http://a:81/", "https://a/"));
  EXPECT_FALSE(trusted("http://a/", "http://a.evil/"));
}

net::HttpResponse answer(unsigned status, const std::string& location) {
  net::HttpResponse response;
  response.status = status;
  if (!location.empty()) response.headers.emplace_back("Location", location);
  return response;
}

TEST(HttpRedirect, GoesWhereLocationSays) {
  const auto from = url("https://a/x/y?q");
  for (const unsigned status : {301U, 302U, 303U, 307U, 308U}) {
    const auto to = redirect_of(from, answer(status, "../z"));
    ASSERT_TRUE(to && *to) << status;
    EXPECT_EQ((*to)->display(), "https://a/z");
  }
  EXPECT_EQ(redirect_of(from, answer(302, "//b:1/c")).value()->display(), "https://b:1/c");
  EXPECT_EQ(redirect_of(from, answer(302, "http://b/")).value()->display(), "http://b/");
  for (const unsigned status : {200U, 300U, 304U, 305U, 404U}) EXPECT_FALSE(redirect_of(from, answer(status, "/z")));
  EXPECT_FALSE(redirect_of(from, answer(302, "")));
  const auto bad = redirect_of(from, answer(302, "ftp://b/?token=t0p"));
  ASSERT_TRUE(bad && !*bad);
  EXPECT_EQ(bad->error().outcome, core::Outcome::protocol);
  EXPECT_EQ(bad->error().detail.find("t0p"), std::string::npos);
}

TEST(HttpRedirect, LeavesCredentialsAtHome) {
  auto options = options_for("https://a/x");
  options.method = "POST";
  options.body = "data";
  for (const char* name : {"X-Api-Key", "Cookie", "Accept", "Content-Type"})
    options.headers.push_back({name, given("v")});
  options.bearer = given("tok");
  const auto request = build_request(options).value();

  const auto home = follow(request, 302, url("https://a/y"), true);
  EXPECT_EQ(home.method, "GET");
  EXPECT_EQ(home.body, "");
  EXPECT_EQ(home.target, "/y");
  EXPECT_EQ(header_of(home, "Authorization"), "Bearer tok");
  EXPECT_EQ(header_of(home, "X-Api-Key"), "v");
  EXPECT_EQ(header_of(home, "Content-Type"), "");

  const auto away = follow(request, 307, url("https://b:444/y"), false);
  EXPECT_EQ(away.method, "POST");
  EXPECT_EQ(away.body, "data");
  EXPECT_EQ(header_of(away, "Host"), "b:444");
  EXPECT_EQ(header_of(away, "Accept"), "v");
  EXPECT_EQ(header_of(away, "Content-Type"), "v");
  for (const char* name : {"Authorization", "X-Api-Key", "Cookie"}) EXPECT_EQ(header_of(away, name), "") << name;
}

TEST(HttpRequest, AsksTlsForTheConfiguredName) {
  auto options = options_for("https://10.0.0.1/");
  EXPECT_EQ(server_name(options), "");
  options.headers.push_back({"host", given("www.example.org:443")});
  EXPECT_EQ(server_name(options), "www.example.org");
  options.tls.server_name = "other";
  EXPECT_EQ(server_name(options), "other");
}

TEST(HttpRequest, ProvesItInOtherWordsToo) {
  const test::TempDir dir;
  auto options = options_for("http://host/");
  options.bearer = given("abc");
  options.authorization_type = "Token";
  EXPECT_EQ(header_of(build_request(options).value(), "Authorization"), "Token abc");
  options = options_for("http://host/");
  options.user_file = dir.write("user", "Aladdin\n");
  options.password = given("open sesame");
  EXPECT_TRUE(reads_files(options));
  EXPECT_EQ(header_of(build_request(options).value(), "Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

TEST(HttpRequest, TakesItsBodyFromAFileAsItIs) {
  const test::TempDir dir;
  auto options = options_for("http://host/");
  options.body_file = dir / "body";
  EXPECT_TRUE(reads_files(options));
  EXPECT_FALSE(build_request(options));
  dir.write("body", "line\n");
  EXPECT_EQ(build_request(options)->body, "line\n");
  dir.write("body", std::string((1 << 20) + 1, 'x'));
  EXPECT_FALSE(build_request(options));
}

TEST(HttpRequest, AsksForCompression) {
  auto options = options_for("http://host/");
  EXPECT_EQ(header_of(build_request(options).value(), "Accept-Encoding"), "");
  options.compression = net::Encoding::brotli;
  EXPECT_EQ(header_of(build_request(options).value(), "Accept-Encoding"), "br");
  options.headers.push_back({"accept-encoding", given("br, gzip")});
  EXPECT_EQ(header_of(build_request(options).value(), "Accept-Encoding"), "br, gzip");
}

TEST(HttpProxy, IsPassedByForWhatIsNamed) {
  struct Case {
    const char* list;
    const char* host;
    bool named;
  };
  for (const Case c : {Case{"", "a.example", false},
                       Case{"*", "a.example", true},
                       Case{"example", "a.example", true},
                       Case{"example", "example", true},
                       Case{"example", "anexample", false},
                       Case{".example", "a.example", true},
                       Case{".example", "example", false},
                       Case{"*.example", "a.example", true},
                       Case{"b.example , A.Example", "a.example.", true},
                       Case{"a.example:8080", "a.example", false},
                       Case{"a.example:80", "a.example", true},
                       Case{"10.0.0.0/8", "10.1.2.3", true},
                       Case{"10.0.0.0/8", "11.1.2.3", false},
                       Case{"10.128.0.0/9", "10.127.0.1", false},
                       Case{"10.0.0.0/33", "10.1.2.3", false},
                       Case{"10.0.0.0/8", "ten.example", false},
                       Case{"10.1.2.3", "10.1.2.3", true},
                       Case{"10.1.2.3:80", "10.1.2.3", true},
                       Case{"10.1.2.3:81", "10.1.2.3", false},
                       Case{"10.1.2.3", "::ffff:10.1.2.3", true},
                       Case{"fd00::/8", "fd12::1", true},
                       Case{"fd00::/8", "fe12::1", false},
                       Case{"[fd12::1]:80", "fd12::1", true},
                       Case{"fd12::1", "fd12::1", true},
                       Case{" , ,", "a.example", false}}) {
    EXPECT_EQ(named_in(c.list, c.host, 80), c.named) << c.list << " / " << c.host;
  }
}

TEST(HttpProxy, IsChosenByTheScheme) {
  HttpProxies proxies;
  EXPECT_EQ(proxy_for(proxies, url("http://a/")), nullptr);
  proxies.http = url("http://plain:3128");
  proxies.https = url("http://secure:3128");
  EXPECT_EQ(proxy_for(proxies, url("http://a/"))->host, "plain");
  EXPECT_EQ(proxy_for(proxies, url("https://a/"))->host, "secure");
  EXPECT_NE(proxy_for(proxies, url("http://127.0.0.1/")), nullptr);
  proxies.spare_loopback = true;
  for (const char* here : {"http://127.1.2.3/", "http://localhost/", "https://[::1]:8443/"})
    EXPECT_EQ(proxy_for(proxies, url(here)), nullptr) << here;
  proxies.no_proxy = "a:443";
  EXPECT_EQ(proxy_for(proxies, url("https://a/")), nullptr);
  EXPECT_NE(proxy_for(proxies, url("http://a/")), nullptr);
}

TEST(HttpProxy, IsToldAllOfIt) {
  const auto proxy = url("http://me:pw@proxy:3128");
  const auto target = url("http://host:81/a?b");
  const auto request = through(proxy, target, build_request(options_for("http://host:81/a?b")).value()).value();
  EXPECT_EQ(request.target, "http://host:81/a?b");
  EXPECT_EQ(header_of(request, "Host"), "host:81");
  EXPECT_EQ(header_of(request, "Proxy-Authorization"), "Basic bWU6cHc=");
  HttpProxies proxies;
  proxies.connect_headers.push_back({"X-Tunnel", given("t")});
  const auto connect = connect_request(proxy, url("https://[fd12::1]/"), proxies).value();
  EXPECT_EQ(connect.method, "CONNECT");
  EXPECT_EQ(connect.target, "[fd12::1]:443");
  EXPECT_EQ(header_of(connect, "X-Tunnel"), "t");
  EXPECT_FALSE(refusal(proxy, 200));
  EXPECT_EQ(refusal(proxy, 407)->outcome, core::Outcome::auth);
  EXPECT_EQ(refusal(proxy, 502)->detail, "the proxy http://proxy:3128 answered CONNECT with status 502");
}

TEST(HttpAddresses, AreWrittenWithoutPort) {
  net::Endpoint address;
  address.bytes = {10, 0, 0, 1};
  address.port = 8080;
  EXPECT_EQ(address_text(address), "10.0.0.1");
  address = {};
  address.v6 = true;
  address.bytes[15] = 1;
  EXPECT_EQ(address_text(address), "::1");
}

}  // namespace
}  // namespace tocsin::probes::http
