#include "tocsin/net/url.hpp"

#include <gtest/gtest.h>

namespace tocsin::net {
namespace {

struct GoodUrl {
  const char* text;
  const char* scheme;
  const char* user;
  const char* password;
  const char* host;
  std::uint16_t port;
  const char* display;
  const char* target;
  const char* authority;
};

TEST(Url, TakesApart) {
  const GoodUrl cases[] = {
      {"http://h", "http", "", "", "h", 0, "http://h", "/", "h"},
      {"HTTPS://User:p%40ss@H.example:8443/a/b?x=1&y=2#frag", "https", "User", "p@ss", "H.example", 8443,
       "https://H.example:8443/a/b", "/a/b?x=1&y=2", "H.example:8443"},
      {"redis://:secret@127.0.0.1:6379/3", "redis", "", "secret", "127.0.0.1", 6379, "redis://127.0.0.1:6379/3", "/3",
       "127.0.0.1:6379"},
      {"redis://a:b:c@h", "redis", "a", "b:c", "h", 0, "redis://h", "/", "h"},
      {"redis://u@x@h", "redis", "u@x", "", "h", 0, "redis://h", "/", "h"},
      {"http://[::1]:80/", "http", "", "", "::1", 80, "http://[::1]:80/", "/", "[::1]:80"},
      {"http://[fe80::1%25eth0]/", "http", "", "", "fe80::1%eth0", 0, "http://[fe80::1%25eth0]/", "/", "[fe80::1]"},
      {"http://h?q", "http", "", "", "h", 0, "http://h", "/?q", "h"},
      {"http://h/?", "http", "", "", "h", 0, "http://h/", "/?", "h"},
      {"http://h:/x", "http", "", "", "h", 0, "http://h/x", "/x", "h"},
      {"http://h/\xC3\xA4", "http", "", "", "h", 0, "http://h/\xC3\xA4", "/%C3%A4", "h"},
      {"http+unix://%2Frun%2Ft%2525.sock/x", "http+unix", "", "", "/run/t%25.sock", 0,
       "http+unix://%2Frun%2Ft%2525.sock/x", "/x", "%2Frun%2Ft%2525.sock"},
      {"redis+unix:///run/redis.sock", "redis+unix", "", "", "", 0, "redis+unix:///run/redis.sock", "/run/redis.sock",
       ""},
  };
  for (const GoodUrl& c : cases) {
    SCOPED_TRACE(c.text);
    const auto url = parse_url(c.text);
    ASSERT_TRUE(url) << url.error().detail;
    EXPECT_EQ(url->scheme, c.scheme);
    EXPECT_EQ(url->user, c.user);
    EXPECT_EQ(url->password.reveal(), c.password);
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->port, c.port);
    EXPECT_EQ(url->display(), c.display);
    EXPECT_EQ(url->request_target(), c.target);
    EXPECT_EQ(url->authority(), c.authority);
  }
}

TEST(Url, RefusesWithoutRepeatingSecrets) {
  const char* cases[] = {"",
                         "hunter2",
                         "http:/hunter2",
                         "http://",
                         "http:///hunter2",
                         "1http://hunter2",
                         "http://:hunter2@",
                         "http://u:hun/ter2@host",
                         "http://u:hunter2@host:0",
                         "http://u:hunter2@host:65536",
                         "http://u:hunter2@host:80x",
                         "http://u:hunter2@[::1",
                         "http://u:hunter2@[::g]",
                         "http://u:hunter2@[::1]x",
                         "http://u:hunter2@ho st",
                         "http://u:hunter2@ho%20st",
                         "http://u:hunter2@ho%3Ast",
                         "http://u:hunter2@ho%0d%0ast",
                         "http://host/\r\nX: hunter2"};
  for (const char* text : cases) {
    SCOPED_TRACE(text);
    const auto url = parse_url(text);
    ASSERT_FALSE(url);
    EXPECT_EQ(url.error().detail.find("hun"), std::string::npos) << url.error().detail;
    EXPECT_EQ(url.error().detail.find("ter2"), std::string::npos) << url.error().detail;
  }
}

TEST(Url, ResolvesReferences) {
  // RFC 3986 section 5.4, and what servers send.
  const std::pair<const char*, const char*> cases[] = {
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q"},
      {"g#s", "http://a/b/c/g"},
      {";x", "http://a/b/c/;x"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {"..g", "http://a/b/c/..g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/../h", "http://a/b/c/h"},
      {"https://x:1/y", "https://x:1/y"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"/login?to=http://z/", "http://a/login?to=http://z/"},
  };
  const auto base = parse_url("http://u:p@a/b/c/d;p?q");
  ASSERT_TRUE(base);
  for (const auto& [reference, expected] : cases) {
    SCOPED_TRACE(reference);
    const auto url = resolve_reference(*base, reference);
    ASSERT_TRUE(url) << url.error().detail;
    EXPECT_EQ(url->display() + (url->has_query ? "?" + url->query : ""), expected);
  }
  EXPECT_EQ(resolve_reference(*base, "/g")->user, "u");
  EXPECT_EQ(resolve_reference(*base, "http://b/")->user, "");
  EXPECT_FALSE(resolve_reference(*base, "/x\r\ny"));
}

TEST(Url, FindsQueryParameters) {
  EXPECT_EQ(query_parameter("a=1&query=up%7Bx%3D%22y+z%22%7D&b", "query"), "up{x=\"y z\"}");
  EXPECT_EQ(query_parameter("a=1&a=2", "a"), "1");
  EXPECT_EQ(query_parameter("b", "b"), "");
  EXPECT_EQ(query_parameter("", "b"), "");
  EXPECT_EQ(query_parameter("m%5B%5D=x", "m[]"), "x");
}

TEST(Url, EncodesAndDecodes) {
  EXPECT_EQ(percent_encode("a b/\xff~"), "a%20b%2F%FF~");
  EXPECT_EQ(percent_decode("a%20b%2f%zz%4"), "a b/%zz%4");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
}

}  // namespace
}  // namespace tocsin::net
