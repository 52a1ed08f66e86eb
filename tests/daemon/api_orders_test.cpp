// Who may give orders about actions, and how an order is read.
#include "src/api_orders.hpp"

#include <gtest/gtest.h>

#include <unistd.h>
#include <ostream>

namespace tocsin::daemon {
namespace {

using Kind = actions::Order::Kind;

struct Case {
  const char* name;
  bool local = false;
  std::optional<std::uint32_t> uid{};
  bool port_has_users = false;
  const char* port_user = "";
  const char* content_type = "application/json";
  const char* origin = "";
  const char* method = "POST";
  unsigned status = 0;       // 0: it may
  const char* giver = "";    // who it is from then
  const char* says = "";     // or what is said
  std::uint32_t own = 1000;  // the daemon's user
};

/// What GoogleTest prints in place of its bytes.
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

net::ServerRequest request_of(const Case& c) {
  net::ServerRequest request;
  request.method = c.method;
  request.peer = c.local ? "local" : "10.0.0.1:5000";
  request.uid = c.uid;
  request.headers = {{"Host", "tocsin.example:9477"}};
  if (*c.content_type != '\0') request.headers.emplace_back("Content-Type", c.content_type);
  if (*c.origin != '\0') request.headers.emplace_back("Origin", c.origin);
  return request;
}

class Orders : public testing::TestWithParam<Case> {};

TEST_P(Orders, AreTakenFromThoseWhoMay) {
  const Case& c = GetParam();
  OrderContext context;
  context.port_has_users = c.port_has_users;
  context.port_user = c.port_user;
  context.own_uid = c.own;
  context.external_url = "https://watch.example/tocsin";
  const auto request = request_of(c);
  const auto refusal = order_refusal(request, context);
  if (c.status == 0) {
    ASSERT_FALSE(refusal) << refusal->body;
    const auto name = c.uid == 0U ? std::optional<std::string>("root") : std::nullopt;
    EXPECT_EQ(order_giver(request, context, name), c.giver);
  } else {
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->status, c.status);
    EXPECT_NE(refusal->body.find(c.says), std::string::npos) << refusal->body;
  }
}

constexpr const char* json = "application/json";
const Case cases[] = {
    {.name = "RootOverTheSocket", .local = true, .uid = 0U, .giver = "root"},
    {.name = "OneOfTheGroupOverTheSocket", .local = true, .uid = 1234U, .giver = "uid 1234"},
    {.name = "TheDaemonsUser", .local = true, .uid = 1000U, .giver = "uid 1000"},
    {.name = "NobodyKnowsWho", .local = true, .status = 403, .says = "does not say who asks"},
    {.name = "HiddenByAUserNamespace", .local = true, .uid = 65534U, .status = 403, .says = "PrivateUsers"},
    {.name = "ADaemonThatRunsAsNobody", .local = true, .uid = 65534U, .giver = "uid 65534", .own = 65534},
    {.name = "UsersOfThePortDoNotMatterOnTheSocket", .local = true, .uid = 0U, .port_has_users = true, .giver = "root"},
    {.name = "ThePortWithoutUsers", .status = 403, .says = "web.config_file"},
    {.name = "ThePortWithAUser", .port_has_users = true, .port_user = "alice", .giver = "alice"},
    {.name = "ThePortWithoutALogin", .port_has_users = true, .status = 403, .says = "log in"},
    {.name = "AUidOnThePortMeansNothing", .uid = 0U, .status = 403, .says = "web.config_file"},
    {.name = "AFormOfAnotherSite",
     .port_has_users = true,
     .port_user = "alice",
     .content_type = "application/x-www-form-urlencoded",
     .status = 415,
     .says = "application/json"},
    {.name = "TextThatIsJson",
     .port_has_users = true,
     .port_user = "alice",
     .content_type = "text/plain",
     .status = 415,
     .says = "application/json"},
    {.name = "NoType", .local = true, .uid = 0U, .content_type = "", .status = 415, .says = "application/json"},
    {.name = "ATypeWithItsCharset",
     .local = true,
     .uid = 0U,
     .content_type = "application/json; charset=utf-8",
     .giver = "root"},
    {.name = "ATypeThatOnlyBeginsSo",
     .local = true,
     .uid = 0U,
     .content_type = "application/jsonp",
     .status = 415,
     .says = "application/json"},
    {.name = "APageOfAnotherSite",
     .port_has_users = true,
     .port_user = "alice",
     .origin = "https://evil.example",
     .status = 403,
     .says = "another site"},
    {.name = "APageOfNoSite",
     .port_has_users = true,
     .port_user = "alice",
     .origin = "null",
     .status = 403,
     .says = "another site"},
    {.name = "OurOwnPage",
     .port_has_users = true,
     .port_user = "alice",
     .origin = "http://tocsin.example:9477",
     .giver = "alice"},
    {.name = "OurOwnPageBehindAProxy",
     .port_has_users = true,
     .port_user = "alice",
     .origin = "https://watch.example",
     .giver = "alice"},
    {.name = "ANameThatOnlyBeginsAsOurs",
     .port_has_users = true,
     .port_user = "alice",
     .origin = "http://tocsin.example:94771",
     .status = 403,
     .says = "another site"},
    {.name = "ByGet", .local = true, .uid = 0U, .method = "GET", .status = 405, .says = "POST"},
    {.name = "ByPut", .local = true, .uid = 0U, .content_type = json, .method = "PUT", .status = 405, .says = "POST"},
};
INSTANTIATE_TEST_SUITE_P(Orders, Orders, testing::ValuesIn(cases), [](const auto& p) { return p.param.name; });

TEST(OrderPath, NamesTheOrder) {
  EXPECT_EQ(order_of_path("/api/v1/tocsin/actions/approve"), Kind::approve);
  EXPECT_EQ(order_of_path("/api/v1/tocsin/actions/rearm"), Kind::rearm);
  for (const char* const other : {"/api/v1/tocsin/actions", "/api/v1/tocsin/actions/", "/api/v1/tocsin/actions/plan",
                                  "/api/v1/tocsin/actions/approve/", "/actions/approve"})
    EXPECT_FALSE(order_of_path(other)) << other;
}

actions::Order good(Kind kind, const char* body) {
  auto order = read_order(kind, body);
  const auto* const wrong = std::get_if<std::string>(&order);
  EXPECT_EQ(wrong, nullptr) << *wrong;
  return wrong != nullptr ? actions::Order{} : std::get<actions::Order>(order);
}

TEST(OrderBody, IsRead) {
  EXPECT_EQ(good(Kind::approve, R"({"id":"1f"})").what, "1f");
  EXPECT_EQ(good(Kind::approve, R"({"action":"grow","note":"seen"})").note, "seen");
  const auto all = good(Kind::pause, "{}");
  EXPECT_EQ(all.kind, Kind::pause);
  EXPECT_EQ(all.what, "");
  EXPECT_FALSE(all.direction);
  EXPECT_FALSE(all.lasts);
  const auto one = good(Kind::pause, R"({"action":"grow","direction":"down","for":"2h"})");
  EXPECT_EQ(one.what, "grow");
  EXPECT_EQ(one.direction, core::Direction::down);
  EXPECT_EQ(one.lasts, core::Duration(std::chrono::hours(2)));
  EXPECT_EQ(good(Kind::resume, R"({"direction":"up"})").direction, core::Direction::up);
  EXPECT_EQ(good(Kind::rearm, R"({"action":"grow"})").what, "grow");
}

TEST(OrderBody, ThatIsWrongIsRefusedInWords) {
  const std::tuple<Kind, std::string, const char*> bad[] = {
      {Kind::approve, "", "JSON object"},
      {Kind::approve, "id=1f", "JSON object"},
      {Kind::approve, "[]", "JSON object"},
      {Kind::approve, std::string(100'000, '['), "JSON object"},
      {Kind::approve, "{}", "\"id\" or \"action\" is missing"},
      {Kind::rearm, "{}", "\"action\" is missing"},
      {Kind::rearm, R"({"id":"1f"})", "unknown key \"id\""},
      {Kind::approve, R"({"id":"1f","action":"grow"})", "not both"},
      {Kind::approve, R"({"id":1})", "is a text"},
      {Kind::approve, R"({"id":"1f","by":"root"})", "unknown key \"by\""},
      {Kind::approve, R"({"id":"1f","for":"2h"})", "unknown key \"for\""},
      {Kind::approve, R"({"id":"a\nb"})", "on one line"},
      {Kind::pause, R"({"direction":"left"})", "up or down"},
      {Kind::pause, R"({"for":"soon"})", "a duration"},
      {Kind::pause, R"({"for":"0s"})", "a duration"},
      {Kind::pause, R"({"for":"99y"})", "a year at most"},
      {Kind::resume, R"({"for":"2h"})", "unknown key \"for\""},
      {Kind::pause, R"({"note":")" + std::string(501, 'x') + R"("})", "at most 500 letters"},
  };
  for (const auto& [kind, body, says] : bad) {
    const auto order = read_order(kind, body);
    const auto* const wrong = std::get_if<std::string>(&order);
    ASSERT_NE(wrong, nullptr) << body;
    EXPECT_NE(wrong->find(says), std::string::npos) << body << ": " << *wrong;
  }
}

TEST(OrderAnswer, SaysWhatWasDoneOrWhyNot) {
  const auto done = order_answer({true, "paused: all actions"});
  EXPECT_EQ(done.status, 200U);
  EXPECT_EQ(done.body, R"({"status":"success","data":{"message":"paused: all actions"}})");
  const auto not_done = order_answer({false, "there is no action called x"});
  EXPECT_EQ(not_done.status, 409U);
  EXPECT_NE(not_done.body.find(R"("error":"there is no action called x")"), std::string::npos) << not_done.body;
}

TEST(UserName, IsWhatThisMachineKnows) {
  EXPECT_EQ(user_name(0), "root");
  EXPECT_EQ(user_name(3'000'000'123U), std::nullopt);
}

}  // namespace
}  // namespace tocsin::daemon
