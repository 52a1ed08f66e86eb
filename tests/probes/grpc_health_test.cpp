#include "grpc/health.hpp"

#include <gtest/gtest.h>

namespace tocsin::probes::grpc {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using core::Outcome;

TEST(GrpcHealth, TheRequestIsAFramedMessage) {
  EXPECT_EQ(encode_request(""), "\0\0\0\0\0"s);
  EXPECT_EQ(encode_request("abc"), "\0\0\0\0\5\x0a\3abc"s);
  const std::string name(300, 'n');
  EXPECT_EQ(encode_request(name), "\0\0\0\1\x2f\x0a\xac\2"s + name);
}

TEST(GrpcHealth, TheResponseIsRead) {
  EXPECT_EQ(*decode_response("\0\0\0\0\0"s), Serving::unknown);
  EXPECT_EQ(*decode_response("\0\0\0\0\2\x8\1"s), Serving::serving);
  EXPECT_EQ(*decode_response("\0\0\0\0\2\x8\2"s), Serving::not_serving);
  EXPECT_EQ(*decode_response("\0\0\0\0\2\x8\3"s), Serving::service_unknown);
  EXPECT_EQ(*decode_response("\0\0\0\0\3\x8\xe8\7"s), Serving::unknown);
  // Other fields of every wire type are skipped, and the last one counts.
  EXPECT_EQ(*decode_response("\0\0\0\0\x18\x8\2\x10\5\x1a\2xy\x21\1\2\3\4\5\6\7\x8\x2d\1\2\3\4\x8\1"s),
            Serving::serving);
}

TEST(GrpcHealth, ABrokenResponseIsSaid) {
  for (const std::string& bytes :
       {""s, "\0\0\0"s, "\0\0\0\0\3\x8\1"s, "\0\0\0\0\1\x8\1"s, "\1\0\0\0\2\x8\1"s, "\0\0\0\0\1\x8"s, "\0\0\0\0\1\xff"s,
        "\0\0\0\0\2\x12\5"s, "\0\0\0\0\2\x0b\1"s, "\0\0\0\0\x0c\x8\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"s,
        "\xff\xff\xff\xff\xff"s}) {
    const auto result = decode_response(bytes);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().outcome, Outcome::protocol);
  }
}

TEST(GrpcHealth, TheTimeLeftIsSaid) {
  EXPECT_EQ(timeout_text(1500ms), "1500m");
  EXPECT_EQ(timeout_text(-3s), "1m");
  EXPECT_EQ(timeout_text(1000h), "99999999m");
}

struct Case {
  const char* what;
  unsigned http;
  net::Headers head;
  net::Headers trailers;
  std::string body;
  unsigned code;
  Outcome outcome;
  std::string detail;
};

TEST(GrpcHealth, JudgesAnswers) {
  const net::Headers grpc{{"content-type", "application/grpc+proto"}};
  const std::string serving = "\0\0\0\0\2\x8\1"s;
  const Case cases[] = {
      {"good", 200, grpc, {{"grpc-status", "0"}}, serving, 0, Outcome::ok, ""},
      {"bad",
       200,
       grpc,
       {{"grpc-status", "0"}},
       "\0\0\0\0\2\x8\2"s,
       0,
       Outcome::unexpected,
       "the service is NOT_SERVING"},
      {"in the head alone",
       200,
       {{"content-type", "application/grpc"}, {"grpc-status", "12"}},
       {},
       "",
       12,
       Outcome::refused_command,
       "the server answered UNIMPLEMENTED"},
      {"a message",
       200,
       grpc,
       {{"grpc-status", "5"}, {"grpc-message", "no%20such\x01 %0athing"}},
       "",
       5,
       Outcome::unexpected,
       "the server answered NOT_FOUND: \"no such? ?thing\""},
      {"not you", 200, grpc, {{"grpc-status", "16"}}, "", 16, Outcome::auth, "the server answered UNAUTHENTICATED"},
      {"not now",
       200,
       grpc,
       {{"grpc-status", "8"}},
       "",
       8,
       Outcome::throttled,
       "the server answered RESOURCE_EXHAUSTED"},
      {"a code from the future",
       200,
       grpc,
       {{"grpc-status", "99"}},
       "",
       99,
       Outcome::unexpected,
       "the server answered 99"},
      {"a proxy",
       503,
       {{"content-type", "text/html"}},
       {},
       "<html>",
       14,
       Outcome::unexpected,
       "HTTP status 503 and no gRPC status"},
      {"a proxy that wants to know who", 403, {}, {}, "", 7, Outcome::auth, "HTTP status 403 and no gRPC status"},
      {"a web page",
       200,
       {{"content-type", "text/html"}},
       {},
       "<html>",
       2,
       Outcome::protocol,
       "the answer is not gRPC"},
      {"no status", 200, grpc, {}, serving, 2, Outcome::protocol, "the answer has no gRPC status"},
      {"half a message",
       200,
       grpc,
       {{"grpc-status", "0"}},
       "\0\0"s,
       13,
       Outcome::protocol,
       "the answer has no message"},
  };
  for (const Case& c : cases) {
    net::Http2Answer answer;
    answer.response.status = c.http;
    answer.response.headers = c.head;
    answer.response.body = c.body;
    answer.trailers = c.trailers;
    const Answer judged = judge(answer);
    EXPECT_EQ(judged.code, c.code) << c.what;
    EXPECT_EQ(judged.failure ? judged.failure->outcome : Outcome::ok, c.outcome) << c.what;
    EXPECT_EQ(judged.failure ? judged.failure->detail : "", c.detail) << c.what;
  }
}

TEST(GrpcHealth, MessagesAreCut) {
  net::Http2Answer answer;
  answer.response.status = 200;
  answer.response.headers = {{"content-type", "application/grpc"}};
  answer.trailers = {{"grpc-status", "2"}, {"grpc-message", std::string(10'000, 'x')}};
  EXPECT_LT(judge(answer).failure->detail.size(), 150U);
}

}  // namespace
}  // namespace tocsin::probes::grpc
