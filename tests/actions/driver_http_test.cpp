// Requests to a real nginx where it can answer, to a fake peer for half answers and hangs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actions/world.hpp"
#include "src/driver.hpp"
#include "src/drivers.hpp"
#include "src/request.hpp"
#include "support/certificates.hpp"
#include "support/fake_peer.hpp"
#include "support/free_port.hpp"
#include "support/nginx.hpp"

namespace tocsin::actions {
namespace {

using How = CallEnd::How;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

std::string at(std::uint16_t port, const std::string& path) {
  return "http://127.0.0.1:" + std::to_string(port) + path;
}

class DriverHttpTest : public testing::Test {
 protected:
  DriverHttpTest() {
    spec_.name = "grow";
    spec_.target = "team/cache";
    spec_.count.emplace();
    spec_.count->max = 10;
    call_.method = "POST";
  }
  CallEnd change(const std::string& url, milliseconds time = seconds(10)) {
    call_.url = url;
    spec_.set = call_;
    Placeholders values;
    values.from = "2";
    values.to = "3";
    values.target = spec_.target;
    values.id = "0123abcd";
    values.key = 7;
    return loop_.run(
        change_by_http(connector_, std::make_shared<const ActionSpec>(spec_), values, test::TestLoop::in(time)));
  }
  core::Result<Reading> read(const std::string& url, milliseconds time = seconds(10)) {
    HttpCall call = call_;
    call.method = "GET";
    call.url = url;
    spec_.read.call = call;
    return loop_.run(
        read_target(connector_, std::make_shared<const ActionSpec>(spec_), core::Labels(), test::TestLoop::in(time)));
  }

  net::BlockingPool pool_{1};
  net::Connector connector_{pool_};
  test::TestLoop loop_;
  ActionSpec spec_;
  HttpCall call_;
};

TEST_F(DriverHttpTest, AChangeCarriesItsIdAndSecretsThatAreNotTold) {
  const std::uint16_t port = test::free_port();
  const test::Nginx nginx("server { listen 127.0.0.1:" + std::to_string(port) +
                              "; location / { default_type text/plain; return 202 '$request_method $request_uri "
                              "$http_idempotency_key $content_type $http_x_fence $http_authorization'; } }",
                          port);
  const test::TempDir dir;
  core::SecretSource token;
  token.file = dir.write("token", "Bearer first-token\n");
  call_.headers = {{"Authorization", token}, {"X-Fence", in_place("abc")}};
  call_.body = R"({"replicas": {to}})";
  CallEnd end = change(at(port, "/scale/{target}?to={to}&key={key}"));
  EXPECT_EQ(end.how, How::done);
  EXPECT_EQ(end.words, "status 202: POST /scale/team%2Fcache?<secret> 0123abcd application/json abc <secret>");

  // Given by hand, a header stands; and a file is read anew.
  dir.write("token", "other-token\n");
  call_.headers.emplace_back("content-type", in_place("a/b"));
  end = change(at(port, "/x"));
  EXPECT_EQ(end.words, "status 202: POST /x 0123abcd a/b abc <secret>");

  std::filesystem::remove(dir / "token");
  end = change(at(port, "/x"));
  EXPECT_EQ(end.how, How::refused);
  EXPECT_THAT(end.words, HasSubstr("nothing was sent: the header Authorization: cannot read the secret file"));
}

TEST_F(DriverHttpTest, ATokenIsReadForEachRequest) {
  const std::uint16_t port = test::free_port();
  const test::Nginx nginx(
      "server { listen 127.0.0.1:" + std::to_string(port) +
          "; location / { default_type text/plain; if ($http_authorization = 'Bearer one') { return "
          "201; } if ($http_authorization = 'Bearer two') { return 202; } return 403; } }",
      port);
  const test::TempDir dir;
  call_.bearer.file = dir.write("token", "one\n");
  EXPECT_EQ(change(at(port, "/x")).words, "status 201");
  dir.write("token", "two\n");
  EXPECT_EQ(change(at(port, "/x")).words, "status 202");
  std::filesystem::remove(dir / "token");
  const CallEnd end = change(at(port, "/x"));
  EXPECT_EQ(end.how, How::refused);
  EXPECT_THAT(end.words, HasSubstr("nothing was sent: cannot read the secret file"));
}

TEST_F(DriverHttpTest, WhatAStatusSaysOfAChange) {
  const std::uint16_t port = test::free_port();
  std::string locations;
  for (const unsigned status :
       {200, 202, 204, 301, 303, 400, 401, 403, 404, 408, 409, 422, 425, 429, 500, 501, 502, 503, 504}) {
    const std::string code = std::to_string(status);
    const bool redirect = status == 301 || status == 303;
    locations += "location /" + code + " { return " + code +
                 (redirect ? " /200" : " '{\"message\":\"m" + code + "\"}'") + "; } ";
  }
  const test::Nginx nginx("server { listen 127.0.0.1:" + std::to_string(port) + "; " + locations + "}", port);
  struct Case {
    unsigned status;
    How how;
  };
  for (const Case& one :
       {Case{200, How::done}, Case{202, How::done}, Case{204, How::done}, Case{301, How::unclear},
        Case{303, How::unclear}, Case{400, How::refused}, Case{401, How::refused}, Case{403, How::refused},
        Case{404, How::refused}, Case{408, How::unclear}, Case{409, How::refused}, Case{422, How::refused},
        Case{425, How::refused}, Case{429, How::refused}, Case{500, How::unclear}, Case{501, How::refused},
        Case{502, How::unclear}, Case{503, How::unclear}, Case{504, How::unclear}}) {
    const CallEnd end = change(at(port, "/" + std::to_string(one.status)));
    EXPECT_EQ(end.how, one.how) << one.status;
    EXPECT_THAT(end.words, HasSubstr("status " + std::to_string(one.status)));
    if (one.status >= 400) {
      EXPECT_EQ(end.words, "status " + std::to_string(one.status) + ": m" + std::to_string(one.status));
    }
  }
  // Where a status is asked for, that one counts and no other.
  call_.status = {204, 409};
  EXPECT_EQ(change(at(port, "/204")).how, How::done);
  EXPECT_EQ(change(at(port, "/409")).how, How::done);
  EXPECT_EQ(change(at(port, "/200")).how, How::unclear) << "it took it, but not as it should";
}

TEST_F(DriverHttpTest, WhatWasNeverSentIsRefused) {
  CallEnd end = change(at(test::free_port(), "/"));
  EXPECT_EQ(end.how, How::refused);
  EXPECT_THAT(end.words, HasSubstr("nothing was sent: 127.0.0.1"));
  EXPECT_THAT(end.words, HasSubstr("refused the connection"));
  end = change("http://no-such-host.invalid/");
  EXPECT_EQ(end.how, How::refused);
  end = change("ftp://127.0.0.1/");
  EXPECT_EQ(end.how, How::refused);
  call_.method = "PO ST";
  end = change(at(test::free_port(), "/"));
  EXPECT_EQ(end.how, How::refused);
}

TEST_F(DriverHttpTest, WhatGotNoAnswerIsUnclear) {
  struct Case {
    std::function<void(test::FakeConnection&)> peer;
    const char* words;
  };
  const std::vector<Case> cases{
      {[](test::FakeConnection& c) { c.hang(); }, "the deadline passed"},
      {[](test::FakeConnection& c) { c.read_until("\r\n\r\n"); }, "without an answer"},
      {[](test::FakeConnection& c) {
         c.read_until("\r\n\r\n");
         c.reset();
       },
       "no answer"},
      {[](test::FakeConnection& c) {
         c.read_until("\r\n\r\n");
         c.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
       },
       "in the middle of the body"},
      {[](test::FakeConnection& c) {
         c.read_until("\r\n\r\n");
         c.send("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
         c.hang();
       },
       "larger than 1048576 bytes"},
      {[](test::FakeConnection& c) {
         c.read_until("\r\n\r\n");
         c.send("garbage\r\n\r\n");
       },
       "not HTTP/1"},
  };
  for (const Case& one : cases) {
    test::FakePeer peer(one.peer);
    const CallEnd end = change(at(peer.port(), "/"), milliseconds(500));
    EXPECT_EQ(end.how, How::unclear) << one.words;
    EXPECT_THAT(end.words, HasSubstr(one.words));
    EXPECT_EQ(peer.connections(), 1) << "it is never sent again";
  }
}

TEST_F(DriverHttpTest, ATlsPeerThatIsNotTrustedGetsNothing) {
  test::Certificates certificates;
  const test::CertificateFiles files = certificates.issue();
  const std::uint16_t port = test::free_port();
  const test::Nginx nginx("server { listen 127.0.0.1:" + std::to_string(port) + " ssl; ssl_certificate " + files.cert +
                              "; ssl_certificate_key " + files.key + "; location / { return 200 'ok $scheme'; } }",
                          port);
  const std::string url = "https://localhost:" + std::to_string(port) + "/";
  const CallEnd untrusted = change(url);
  EXPECT_EQ(untrusted.how, How::refused);
  EXPECT_THAT(untrusted.words, HasSubstr("nothing was sent"));
  call_.tls.emplace();
  call_.tls->ca_file = certificates.ca_file();
  const CallEnd trusted = change(url);
  EXPECT_EQ(trusted.how, How::done);
  EXPECT_EQ(trusted.words, "status 200: ok https");
}

TEST_F(DriverHttpTest, ReadsByAPathIntoTheAnswer) {
  const std::uint16_t port = test::free_port();
  const test::Nginx nginx(
      "server { listen 127.0.0.1:" + std::to_string(port) +
          "; location /big { root www; } location /created { return 201 '{\"n\":4}'; } "
          "location /down { return 503 'try later $http_x_key'; } "
          "location / { return 200 '{\"service\":{\"numInstances\":3,\"state\":\"live\",\"m\":\"$request_method\","
          "\"id\":\"$http_idempotency_key\"}}'; } }",
      port);
  spec_.read.value = Extract{Extract::Kind::json, "$.service.numInstances"};
  spec_.read.ready.emplace(Extract{Extract::Kind::format, "{$.service.state} {$.service.m}"}, "live GET");
  call_.headers = {{"X-Key", in_place("hunter22")}};
  auto reading = read(at(port, "/v1/{target}"));
  ASSERT_TRUE(reading) << reading.error().detail;
  EXPECT_EQ(reading->value, "3");
  EXPECT_TRUE(reading->ready) << reading->not_ready;

  reading = read(at(port, "/down"));
  ASSERT_FALSE(reading);
  EXPECT_EQ(reading.error().detail, "status 503: try later <secret>");
  call_.status = {200};
  reading = read(at(port, "/created"));
  ASSERT_FALSE(reading);
  EXPECT_THAT(reading.error().detail, HasSubstr("status 201"));
  nginx.dir().write("www/big", std::string(2 * 1024 * 1024, 'x'));
  reading = read(at(port, "/big"));
  ASSERT_FALSE(reading);
  EXPECT_THAT(reading.error().detail, HasSubstr("larger than 1048576 bytes"));
  reading = read(at(test::free_port(), "/"));
  ASSERT_FALSE(reading);
  EXPECT_THAT(reading.error().detail, HasSubstr("refused the connection"));
}

TEST_F(DriverHttpTest, SecretsOfTheUrlAreNotTold) {
  const std::uint16_t port = test::free_port();
  const test::Nginx nginx("server { listen 127.0.0.1:" + std::to_string(port) +
                              "; location / { return 500 '$remote_user $http_authorization $args'; } }",
                          port);
  const auto reading = read("http://api:pass-word@127.0.0.1:" + std::to_string(port) + "/?apikey=deep-secret");
  ASSERT_FALSE(reading);
  EXPECT_EQ(reading.error().detail, "status 500: api <secret> <secret>");
  const auto nobody = read("http://api:pass-word@127.0.0.1:" + std::to_string(test::free_port()) + "/?k=deep-secret");
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody.error().detail, Not(HasSubstr("secret")));
  EXPECT_THAT(nobody.error().detail, Not(HasSubstr("pass-word")));
}

/// An API that keeps a number, and the requests that change it.
class NumberApi {
 public:
  explicit NumberApi(net::Loop& loop)
      : server_(
            loop, [this](net::ServerRequest request) { return answer(std::move(request)); }, net::ServerLimits()) {
    net::Address address;
    address.host = "127.0.0.1";
    port_ = server_.listen(address).value();
  }
  [[nodiscard]] std::string url() const { return at(port_, "/app/{target}"); }
  std::string number = "2";
  std::vector<net::ServerRequest> changes;

 private:
  net::Task<net::ServerResponse> answer(net::ServerRequest request) {
    net::ServerResponse response;
    if (request.method == "PATCH") {
      number = request.body;
      changes.push_back(std::move(request));
    }
    response.body = number;
    co_return response;
  }
  net::HttpServer server_;
  std::uint16_t port_ = 0;
};

TEST_F(DriverHttpTest, APlatformOfRequestsIsScaledByTheExecutor) {
  Platform platform;
  World world(platform, {platform.spec()});
  NumberApi api(world.loop.loop());
  ActionSpec spec = platform.spec();
  spec.ladder.clear();
  spec.count.emplace();
  spec.count->max = 5;
  spec.count->step = 2;
  HttpCall get;
  get.url = api.url();
  spec.read.call = get;
  HttpCall patch = get;
  patch.method = "PATCH";
  patch.body = "{to}";
  spec.set = patch;
  Settings settings;
  settings.actions = {spec};
  world.executor->reconfigure(settings);
  world.fire();
  ASSERT_TRUE(world.until(core::ActionStep::succeeded)) << world.last_reason();
  EXPECT_EQ(api.number, "4");
  ASSERT_EQ(api.changes.size(), 1U);
  EXPECT_EQ(api.changes[0].path, "/app/cache");
  EXPECT_EQ(net::header(api.changes[0].headers, "Idempotency-Key"), world.last(core::ActionStep::started).id);
}

}  // namespace
}  // namespace tocsin::actions
