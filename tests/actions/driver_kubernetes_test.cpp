// The scale subresource, of a small API server that keeps resourceVersions as a real one does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "actions/world.hpp"
#include "src/driver.hpp"
#include "src/drivers.hpp"
#include "support/fake_peer.hpp"
#include "support/free_port.hpp"
#include "tocsin/net/http.hpp"

namespace tocsin::actions {
namespace {

namespace json = boost::json;
using How = CallEnd::How;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view path = "/apis/apps/v1/namespaces/shop/deployments/web/scale";

/// One Deployment. Its replicas follow when `follows`.
class ApiServer {
 public:
  explicit ApiServer(net::Loop& loop)
      : server_(
            loop, [this](net::ServerRequest request) { return answer(std::move(request)); }, net::ServerLimits()) {
    net::Address address;
    address.host = "127.0.0.1";
    port_ = server_.listen(address).value();
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// What somebody else does.
  void scale(int replicas) {
    replicas_wanted = replicas;
    if (follows) replicas_there = replicas;
    ++version;
  }

  std::string token = "tok-12345";
  bool may_update = true;
  bool follows = true;
  int replicas_wanted = 2;
  int replicas_there = 2;
  int version = 100;
  std::vector<std::string> puts;

 private:
  static net::ServerResponse status(unsigned code, const std::string& message) {
    net::ServerResponse response;
    response.status = code;
    response.content_type = "application/json";
    json::object body;
    body["kind"] = "Status";
    body["apiVersion"] = "v1";
    body["message"] = message;
    body["code"] = code;
    response.body = json::serialize(body);
    return response;
  }
  [[nodiscard]] net::ServerResponse object() const {
    json::object metadata;
    metadata["name"] = "web";
    metadata["namespace"] = "shop";
    metadata["resourceVersion"] = std::to_string(version);
    json::object spec;
    if (replicas_wanted != 0) spec["replicas"] = replicas_wanted;  // as Go does
    json::object there;
    there["replicas"] = replicas_there;
    json::object scale;
    scale["kind"] = "Scale";
    scale["apiVersion"] = "autoscaling/v1";
    scale["metadata"] = metadata;
    scale["spec"] = spec;
    scale["status"] = there;
    net::ServerResponse response;
    response.content_type = "application/json";
    response.body = json::serialize(scale);
    return response;
  }
  net::ServerResponse put(const std::string& body) {
    puts.push_back(body);
    if (!may_update)
      return status(403, "deployments.apps \"web\" is forbidden: cannot update resource \"deployments/scale\"");
    const json::value sent = json::parse(body);
    const json::value& metadata = sent.at("metadata");
    if (sent.at("kind") != "Scale" || sent.at("apiVersion") != "autoscaling/v1" || metadata.at("name") != "web" ||
        metadata.at("namespace") != "shop")
      return status(400, "the object provided is unrecognized");
    if (metadata.at("resourceVersion") != std::to_string(version).c_str())
      return status(409, "the object has been modified; please apply your changes to the latest version");
    const std::int64_t replicas = sent.at("spec").at("replicas").as_int64();
    if (replicas > 50) return status(422, "spec.replicas: Invalid value");
    scale(static_cast<int>(replicas));
    return object();
  }
  net::Task<net::ServerResponse> answer(net::ServerRequest request) {
    if (net::header(request.headers, "Authorization") != "Bearer " + token) co_return status(401, "Unauthorized");
    if (request.path != path) co_return status(404, "deployments.apps \"" + request.path + "\" not found");
    if (request.method == "GET") co_return object();
    if (request.method != "PUT") co_return status(405, "no");
    co_return put(request.body);
  }

  net::HttpServer server_;
  std::uint16_t port_ = 0;
};

class DriverKubernetesTest : public testing::Test {
 protected:
  DriverKubernetesTest() {
    spec_.name = "grow";
    spec_.target = "web";
    spec_.count.emplace();
    spec_.count->max = 100;
    call_.server = api_.url() + "/";
    call_.token.file = dir_.write("token", "tok-12345\n");
    call_.space = "shop";
    call_.name = "{target}";
  }
  Spec spec() {
    spec_.read.call = call_;
    spec_.set = call_;
    return std::make_shared<const ActionSpec>(spec_);
  }
  core::Result<Reading> read(milliseconds time = seconds(10)) {
    return loop_.run(read_target(connector_, spec(), core::Labels(), test::TestLoop::in(time)));
  }
  CallEnd change(const std::string& to, const std::string& version, milliseconds time = seconds(10)) {
    Placeholders values;
    values.from = "2";
    values.to = to;
    values.target = "web";
    values.id = "0123abcd";
    return loop_.run(change_by_kubernetes(connector_, spec(), values, version, test::TestLoop::in(time)));
  }

  test::TempDir dir_;
  net::BlockingPool pool_{1};
  net::Connector connector_{pool_};
  test::TestLoop loop_;
  ApiServer api_{loop_.loop()};
  ActionSpec spec_;
  KubernetesCall call_;
};

TEST_F(DriverKubernetesTest, ReadsReplicasVersionAndReadiness) {
  auto reading = read();
  ASSERT_TRUE(reading) << reading.error().detail;
  EXPECT_EQ(reading->value, "2");
  EXPECT_EQ(reading->version, "100");
  EXPECT_TRUE(reading->ready);
  api_.follows = false;
  api_.scale(3);
  reading = read();
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->value, "3");
  EXPECT_EQ(reading->version, "101");
  EXPECT_FALSE(reading->ready);
  EXPECT_EQ(reading->not_ready, "2 of 3 replicas");
  api_.follows = true;
  api_.scale(0);
  reading = read();
  ASSERT_TRUE(reading) << "a zero is left out of the object";
  EXPECT_EQ(reading->value, "0");
  EXPECT_TRUE(reading->ready);
}

TEST_F(DriverKubernetesTest, PutsTheScaleWithTheVersionThatWasRead) {
  const CallEnd end = change("5", "100");
  EXPECT_EQ(end.how, How::done);
  EXPECT_EQ(end.words, "deployments/web in the namespace shop is to have 5 replicas");
  EXPECT_EQ(api_.replicas_wanted, 5);
  EXPECT_EQ(api_.version, 101);
}

TEST_F(DriverKubernetesTest, SomebodyElsesChangeIsNotOverwritten) {
  const auto reading = read();
  ASSERT_TRUE(reading);
  api_.scale(9);
  const CallEnd end = change("3", reading->version);
  EXPECT_EQ(end.how, How::refused);
  EXPECT_THAT(end.words, HasSubstr("somebody changed deployments/web in the namespace shop meanwhile"));
  EXPECT_EQ(api_.replicas_wanted, 9);
  const CallEnd blind = change("3", "");
  EXPECT_EQ(blind.how, How::refused);
  EXPECT_EQ(api_.puts.size(), 1U) << "without a version nothing is sent";
}

TEST_F(DriverKubernetesTest, WhatTheServerRefusesIsExplained) {
  api_.may_update = false;
  CallEnd end = change("3", "100");
  EXPECT_EQ(end.how, How::refused);
  EXPECT_THAT(end.words, HasSubstr("the token may not update deployments/scale: a Role must grant the verbs get and "
                                   "update on the resource deployments/scale in shop"));
  api_.may_update = true;
  end = change("99", "100");
  EXPECT_EQ(end.how, How::refused);
  EXPECT_THAT(end.words, HasSubstr("does not take that number of replicas: status 422: spec.replicas: Invalid value"));
  end = change("many", "100");
  EXPECT_EQ(end.how, How::refused);
  call_.name = "other";
  end = change("3", "100");
  EXPECT_EQ(end.how, How::refused);
  EXPECT_THAT(end.words, HasSubstr("there is no deployments/other in the namespace shop"));
  call_.name = "../secrets";
  end = change("3", "100");
  EXPECT_EQ(end.how, How::refused);
  EXPECT_THAT(end.words, HasSubstr("no object of Kubernetes is called '../secrets'"));
}

TEST_F(DriverKubernetesTest, TheTokenIsReadAnewAndNeverTold) {
  api_.token = "tok-67890";
  auto reading = read();
  ASSERT_FALSE(reading);
  EXPECT_THAT(reading.error().detail, HasSubstr("the API server does not accept the token"));
  EXPECT_THAT(reading.error().detail, Not(HasSubstr("tok-")));
  dir_.write("token", "tok-67890\n");
  EXPECT_TRUE(read());
  std::filesystem::remove(dir_ / "token");
  reading = read();
  ASSERT_FALSE(reading);
  EXPECT_THAT(reading.error().detail, HasSubstr("the token: cannot read the secret file"));
  const CallEnd end = change("3", "100");
  EXPECT_EQ(end.how, How::refused);
  EXPECT_THAT(end.words, HasSubstr("nothing was sent: the token: cannot read the secret file"));
}

TEST_F(DriverKubernetesTest, ServersThatAreNone) {
  call_.server.clear();
  auto reading = read();
  ASSERT_FALSE(reading);
  EXPECT_EQ(reading.error().detail, "there is no Kubernetes API server to ask");
  call_.server = "http://127.0.0.1:" + std::to_string(test::free_port());
  EXPECT_EQ(change("3", "100").how, How::refused) << "nothing was sent";

  struct Case {
    const char* answer;
    const char* why;
  };
  for (const Case& one : {
           Case{"hello", "no Scale object"},
           Case{R"({"kind":"Deployment"})", "no Scale object"},
           Case{R"({"kind":"Scale","metadata":{"resourceVersion":"1"},"spec":{"replicas":2}})", "status.replicas"},
           Case{R"({"kind":"Scale","metadata":{},"spec":{"replicas":2},"status":{"replicas":2}})", "resourceVersion"},
           Case{
               R"({"kind":"Scale","metadata":{"resourceVersion":"1"},"spec":{"replicas":"2"},"status":{"replicas":2}})",
               "spec.replicas"},
           Case{R"({"kind":"Scale","metadata":{"resourceVersion":"1"},"spec":{"replicas":-2},"status":{"replicas":2}})",
                "spec.replicas"},
       }) {
    const std::string text = one.answer;
    test::FakePeer peer([text](test::FakeConnection& connection) {
      connection.read_until("\r\n\r\n");
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
      connection.hang();
    });
    call_.server = "http://127.0.0.1:" + std::to_string(peer.port());
    reading = read();
    ASSERT_FALSE(reading) << text;
    EXPECT_THAT(reading.error().detail, HasSubstr(one.why)) << text;
  }
  test::FakePeer mute([](test::FakeConnection& connection) { connection.hang(); });
  call_.server = "http://127.0.0.1:" + std::to_string(mute.port());
  const CallEnd end = change("3", "100", milliseconds(300));
  EXPECT_EQ(end.how, How::unclear);
  EXPECT_THAT(end.words, HasSubstr("no answer"));
}

TEST_F(DriverKubernetesTest, ADeploymentIsScaledByTheExecutorAndAChangeMeanwhileIsAdopted) {
  Platform platform;
  World world(platform, {platform.spec()});
  ApiServer api(world.loop.loop());
  ActionSpec action = platform.spec();
  action.ladder.clear();
  action.count.emplace();
  action.count->max = 10;
  action.target = "web";
  call_.server = api.url();
  action.read.call = call_;
  action.set = call_;
  Settings settings;
  settings.actions = {action};
  world.executor->reconfigure(settings);
  // Between the preflight's reading and the call somebody else changes it.
  bool changed = false;
  world.suppression = [&] {
    if (world.asked.size() == 2 && !std::exchange(changed, true)) api.scale(4);
    return core::Suppression{core::Suppression::State::none, {}, ""};
  };
  world.fire();
  ASSERT_TRUE(world.until(core::ActionStep::failed)) << world.steps() << world.last_reason();
  EXPECT_THAT(world.last(core::ActionStep::failed).reason, HasSubstr("somebody changed deployments/web"));
  EXPECT_EQ(api.replicas_wanted, 4);
  world.now += std::chrono::hours(1);
  world.fire();
  ASSERT_TRUE(world.until(core::ActionStep::succeeded)) << world.steps() << world.last_reason();
  EXPECT_EQ(api.replicas_wanted, 5);
}

}  // namespace
}  // namespace tocsin::actions
