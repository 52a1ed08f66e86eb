#include "tocsin/net/http2.hpp"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/http2_session.hpp"
#include "support/fake_peer.hpp"
#include "support/run_task.hpp"

namespace tocsin::net {
namespace {

using namespace std::chrono_literals;
using core::Outcome;
using core::Phase;
using test::FakeConnection;
using test::FakePeer;
using test::TestLoop;

/// nghttp2's other side: takes one request and answers as the test says.
class Http2Server {
 public:
  struct Reply {
    std::vector<std::pair<std::string, std::string>> headers{{":status", "200"}};
    std::string body;
    std::vector<std::pair<std::string, std::string>> trailers;
    std::vector<std::pair<std::string, std::string>> interim;
    bool never_end = false;
  };
  explicit Http2Server(Reply reply) : reply_(std::move(reply)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
                      const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
          static_cast<Http2Server*>(user)->head_[std::string(name, name + name_size)] = {value, value + value_size};
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks,
        [](nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* bytes, std::size_t size, void* user) {
          static_cast<Http2Server*>(user)->body_.append(bytes, bytes + size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
          if (ends && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)) {
            static_cast<Http2Server*>(user)->answer(frame->hd.stream_id);
          }
          return 0;
        });
    nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Http2Server() { nghttp2_session_del(session_); }
  Http2Server(const Http2Server&) = delete;
  Http2Server& operator=(const Http2Server&) = delete;

  std::string talk(std::string_view bytes) {
    nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    std::string out;
    const std::uint8_t* part = nullptr;
    ssize_t size = 0;
    while ((size = nghttp2_session_mem_send(session_, &part)) > 0) out.append(part, part + size);
    return out;
  }
  nghttp2_session* session() { return session_; }
  std::map<std::string, std::string>& head() { return head_; }
  const std::string& body() const { return body_; }

 private:
  static std::vector<nghttp2_nv> pairs(const std::vector<std::pair<std::string, std::string>>& headers) {
    std::vector<nghttp2_nv> all;
    for (const auto& [name, value] : headers) {
      all.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                     reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), 0});
    }
    return all;
  }
  void answer(std::int32_t stream) {
    if (!reply_.interim.empty()) {
      const auto interim = pairs(reply_.interim);
      nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream, nullptr, interim.data(), interim.size(), nullptr);
    }
    const auto head = pairs(reply_.headers);
    nghttp2_data_provider provider{};
    provider.source.ptr = this;
    provider.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t size,
                                std::uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
      auto& self = *static_cast<Http2Server*>(source->ptr);
      const std::size_t part = std::min(size, self.reply_.body.size() - self.sent_);
      self.reply_.body.copy(reinterpret_cast<char*>(into), part, self.sent_);
      self.sent_ += part;
      if (self.sent_ < self.reply_.body.size()) return static_cast<ssize_t>(part);
      if (self.reply_.never_end && part == 0) return NGHTTP2_ERR_DEFERRED;
      if (self.reply_.never_end) return static_cast<ssize_t>(part);
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (self.reply_.trailers.empty()) return static_cast<ssize_t>(part);
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const auto trailers = pairs(self.reply_.trailers);
      nghttp2_submit_trailer(self.session_, id, trailers.data(), trailers.size());
      return static_cast<ssize_t>(part);
    };
    nghttp2_submit_response(session_, stream, head.data(), head.size(), &provider);
  }

  nghttp2_session* session_ = nullptr;
  Reply reply_;
  std::size_t sent_ = 0;
  std::map<std::string, std::string> head_;
  std::string body_;
};

/// Lets the two talk until neither has anything to say; each message is cut into pieces of that size.
void converse(Http2Session& client, Http2Server& server, std::size_t piece = 1000) {
  for (int round = 0; round < 10'000; ++round) {
    const std::string asked = client.output();
    std::string said = server.talk(asked);
    if (asked.empty() && said.empty()) return;
    for (std::string_view rest = said; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
      client.feed(rest.substr(0, piece));
    }
  }
  FAIL() << "they never stop";
}

HttpRequest request_with_body() {
  HttpRequest request;
  request.method = "POST";
  request.target = "/path?q=1";
  request.headers = {{"Host", "example.org:8443"}, {"X-Mixed-Case", "v"}, {"Connection", "close"}, {"te", "trailers"}};
  request.body = std::string(200'000, 'b');
  return request;
}

HttpRequest plain_request() {
  HttpRequest request;
  request.headers = {{"Host", "example.org"}};
  return request;
}

TEST(Http2Session, SendsTheRequestAndReadsTheAnswerInPieces) {
  for (const std::size_t piece : {1UL, 7UL, 100'000UL}) {
    Http2Server::Reply reply;
    reply.headers = {{":status", "200"}, {"content-type", "text/plain"}};
    reply.interim = {{":status", "103"}, {"link", "early"}};
    reply.body = std::string(piece == 1 ? 3'000 : 3'000'000, 'x');
    reply.trailers = {{"grpc-status", "0"}};
    Http2Server server(reply);
    const HttpRequest request = request_with_body();
    Http2Answer answer;
    Http2Session client(request, "https", HttpLimits(), answer);
    converse(client, server, piece);
    ASSERT_TRUE(client.done()) << (client.failure() ? client.failure()->detail : "");
    EXPECT_FALSE(client.failure());
    EXPECT_EQ(answer.response.status, 200U);
    EXPECT_EQ(answer.response.version, 20U);
    EXPECT_EQ(answer.response.body, reply.body);
    EXPECT_EQ(answer.response.headers, (Headers{{"content-type", "text/plain"}}));
    EXPECT_EQ(answer.trailers, (Headers{{"grpc-status", "0"}}));
    EXPECT_EQ(server.head()[":authority"], "example.org:8443");
    EXPECT_EQ(server.head()[":path"], "/path?q=1");
    EXPECT_EQ(server.head()[":scheme"], "https");
    EXPECT_EQ(server.head()["x-mixed-case"], "v");
    EXPECT_EQ(server.head()["content-length"], "200000");
    EXPECT_EQ(server.head().count("connection"), 0U);
    EXPECT_EQ(server.body(), request.body);
  }
}

TEST(Http2Session, AnAnswerOfHeadersAlone) {
  Http2Server::Reply reply;
  reply.headers = {{":status", "204"}};
  Http2Server server(reply);
  const HttpRequest request = plain_request();
  Http2Answer answer;
  Http2Session client(request, "http", HttpLimits(), answer);
  converse(client, server);
  EXPECT_TRUE(client.done());
  EXPECT_EQ(answer.response.status, 204U);
  EXPECT_EQ(server.head().count("content-length"), 0U);
}

TEST(Http2Session, HoldsItsBounds) {
  HttpLimits limits;
  limits.body_bytes = 1'000;
  limits.header_bytes = 500;
  const HttpRequest request = plain_request();
  {
    Http2Server::Reply reply;
    reply.body = std::string(1'001, 'x');
    Http2Server server(reply);
    Http2Answer answer;
    Http2Session client(request, "http", limits, answer);
    converse(client, server);
    ASSERT_TRUE(client.failure());
    EXPECT_EQ(client.failure()->outcome, Outcome::limit);
    EXPECT_LE(answer.response.body.size(), limits.body_bytes);
  }
  {
    Http2Server::Reply reply;
    reply.headers.emplace_back("x-large", std::string(600, 'h'));
    Http2Server server(reply);
    Http2Answer answer;
    Http2Session client(request, "http", limits, answer);
    converse(client, server);
    ASSERT_TRUE(client.failure());
    EXPECT_EQ(client.failure()->outcome, Outcome::limit);
  }
}

TEST(Http2Session, ResetsAndGoodbyesHaveTheirClasses) {
  struct Case {
    std::uint32_t code;
    Outcome outcome;
  };
  for (const Case& c :
       {Case{NGHTTP2_REFUSED_STREAM, Outcome::throttled}, Case{NGHTTP2_CANCEL, Outcome::closed},
        Case{NGHTTP2_ENHANCE_YOUR_CALM, Outcome::throttled}, Case{NGHTTP2_HTTP_1_1_REQUIRED, Outcome::protocol}}) {
    Http2Server::Reply reply;
    reply.never_end = true;
    Http2Server server(reply);
    const HttpRequest request = plain_request();
    Http2Answer answer;
    Http2Session client(request, "http", HttpLimits(), answer);
    converse(client, server);
    EXPECT_FALSE(client.done());
    EXPECT_FALSE(client.failure());
    nghttp2_submit_rst_stream(server.session(), NGHTTP2_FLAG_NONE, 1, c.code);
    converse(client, server);
    ASSERT_TRUE(client.failure()) << c.code;
    EXPECT_EQ(client.failure()->outcome, c.outcome) << client.failure()->detail;
  }
}

TEST(Http2Session, APeerThatSpeaksSomethingElse) {
  for (const std::string_view said : {"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
                                      "SSH-2.0-OpenSSH_9.2\r\n", "-ERR unknown command\r\n-ERR unknown command\r\n"}) {
    const HttpRequest request = plain_request();
    Http2Answer answer;
    Http2Session client(request, "http", HttpLimits(), answer);
    EXPECT_FALSE(client.output().empty());
    client.feed(said);
    while (!client.output().empty()) {
    }
    ASSERT_TRUE(client.failure()) << said;
    EXPECT_EQ(client.failure()->outcome, Outcome::protocol);
    EXPECT_EQ(client.failure()->detail, "the peer does not speak HTTP/2");
  }
}

class Http2Exchange : public testing::Test {
 protected:
  core::Result<void> ask(std::uint16_t port, std::chrono::milliseconds time) {
    Address address;
    address.host = "127.0.0.1";
    address.port = port;
    auto stream = loop_.run(connector_.open(address, std::nullopt, TestLoop::in(time)));
    if (!stream) return stream.error();
    return loop_.run(http2_exchange(**stream, request_, "http", HttpLimits(), &times_, answer_));
  }
  TestLoop loop_;
  BlockingPool pool_{1};
  Connector connector_{pool_};
  HttpRequest request_;
  ExchangeTimes times_;
  Http2Answer answer_;
};

constexpr std::string_view empty_settings("\0\0\0\4\0\0\0\0\0", 9);

TEST_F(Http2Exchange, ASilentPeerCostsNoMoreThanTheDeadline) {
  FakePeer peer([](FakeConnection& c) {
    c.send(empty_settings);
    c.hang();
  });
  const auto began = std::chrono::steady_clock::now();
  const auto result = ask(peer.port(), 200ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().outcome, Outcome::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 250ms);
  EXPECT_TRUE(times_.sent);
  EXPECT_FALSE(times_.first_byte);
}

TEST_F(Http2Exchange, APeerThatClosesHalfway) {
  FakePeer peer([](FakeConnection& c) {
    c.read(24);
    c.send(empty_settings);
  });
  const auto result = ask(peer.port(), 5s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().outcome, Outcome::closed);
}

// Frames that ask for an answer each must not pile up, and must not outlive the deadline.
TEST_F(Http2Exchange, AFloodOfPingsEnds) {
  FakePeer peer([](FakeConnection& c) {
    c.send(empty_settings);
    const std::string ping("\0\0\x8\6\0\0\0\0\0........", 17);
    std::string flood;
    for (int i = 0; i < 10'000; ++i) flood += ping;
    while (c.send(flood)) {
    }
  });
  const auto began = std::chrono::steady_clock::now();
  const auto result = ask(peer.port(), 300ms);
  ASSERT_FALSE(result);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 350ms);
  const Outcome outcome = result.error().outcome;  // a peer that reads nothing may keep our answers until the deadline
  EXPECT_TRUE(outcome == Outcome::timeout || outcome == Outcome::protocol || outcome == Outcome::limit)
      << result.error().detail;
}

}  // namespace
}  // namespace tocsin::net
