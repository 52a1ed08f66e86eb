#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "support/child.hpp"
#include "support/free_port.hpp"
#include "support/run_task.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"
#include "tocsin/net/http.hpp"

namespace tocsin::net {
namespace {

using namespace std::chrono_literals;
using test::TestLoop;

Address loopback(std::uint16_t port = 0) {
  Address address;
  address.host = "127.0.0.1";
  address.port = port;
  return address;
}

Address unix_address(const std::string& path) {
  Address address;
  address.host = path;
  address.unix_socket = true;
  return address;
}

/// A plain blocking client, for what curl would not send.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) throw std::runtime_error("no connection");
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(const std::string& text) { static_cast<void>(!::send(fd_, text.data(), text.size(), MSG_NOSIGNAL)); }
  /// All until the server closes.
  std::string read_all() {
    std::string text;
    char chunk[4096];
    while (true) {
      const ssize_t size = ::recv(fd_, chunk, sizeof chunk, 0);
      if (size <= 0) return text;
      text.append(chunk, static_cast<std::size_t>(size));
    }
  }
  std::string read_until(const std::string& mark) {
    std::string text;
    char byte = 0;
    while (text.find(mark) == std::string::npos && ::recv(fd_, &byte, 1, 0) == 1) text += byte;
    return text;
  }

 private:
  int fd_;
};

class HttpServerTest : public testing::Test {
 protected:
  void TearDown() override { stop(); }
  /// Serves in a thread of its own.
  std::uint16_t serve(ServerLimits limits = {}, const std::string& unix_path = "") {
    server_ = std::make_unique<HttpServer>(
        loop_.loop(), [this](ServerRequest request) { return handle(std::move(request)); }, limits);
    const auto port = server_->listen(loopback());
    if (!port) throw std::runtime_error(port.error().detail);
    if (!unix_path.empty()) {
      const auto listening = server_->listen(unix_address(unix_path));
      if (!listening || *listening != 0) throw std::runtime_error("does not listen on " + unix_path);
    }
    thread_ = std::thread([this] { loop_.loop().run(); });
    return *port;
  }
  void stop() {
    if (!thread_.joinable()) return;
    loop_.loop().stop();
    thread_.join();
  }
  Task<ServerResponse> handle(ServerRequest request) {
    ServerResponse response;
    if (request.path == "/throw") throw std::runtime_error("a bug");
    if (request.path == "/bad-header") response.headers.emplace_back("X", "a\r\nb");
    if (request.path == "/slow") {
      entered_ = true;
      co_await sleep_for(300ms);
    }
    if (request.path == "/big") {
      response.body = std::string(100'000, 'x');
    } else {
      response.body =
          request.method + " " + request.path + " " + request.query + " " + std::to_string(request.body.size());
    }
    {
      const std::lock_guard lock(mutex_);
      peer_ = request.peer;
    }
    co_return response;
  }
  std::string peer() {
    const std::lock_guard lock(mutex_);
    return peer_;
  }
  static std::string curl(std::vector<std::string> arguments) {
    std::vector<std::string> argv = {"curl", "--silent", "--show-error", "--max-time", "10"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    test::Child child(argv);
    child.wait_exit();
    return child.output();
  }
  static std::string url(std::uint16_t port, const std::string& path) {
    return "http://127.0.0.1:" + std::to_string(port) + path;
  }

  TestLoop loop_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
  std::atomic<bool> entered_ = false;
  std::mutex mutex_;
  std::string peer_;
};

TEST_F(HttpServerTest, AnswersCurl) {
  const std::uint16_t port = serve();
  EXPECT_EQ(curl({url(port, "/a%20b/c?x=%20y")}), "GET /a b/c x=%20y 0");
  EXPECT_EQ(peer().substr(0, 10), "127.0.0.1:");
  EXPECT_EQ(curl({"-d", "12345", url(port, "/post")}), "POST /post  5");
  EXPECT_EQ(curl({"-d", "12345", "-H", "Transfer-Encoding: chunked", url(port, "/post")}), "POST /post  5");
  EXPECT_EQ(curl({"-0", url(port, "/old")}), "GET /old  0");
  EXPECT_EQ(curl({url(port, "/one"), url(port, "/two"), "-w", "%{num_connects};"}), "GET /one  01;GET /two  00;");
  const std::string large(900'000, 'x');
  const test::TempDir dir;
  EXPECT_EQ(curl({"--data-binary", "@" + dir.write("body", large), "-H", "Expect: 100-continue", url(port, "/large")}),
            "POST /large  900000");
}

TEST_F(HttpServerTest, AnswersHead) {
  const std::uint16_t port = serve();
  const std::string head = curl({"-I", url(port, "/x")});
  EXPECT_EQ(head.substr(0, 17), "HTTP/1.1 200 OK\r\n");
  EXPECT_NE(head.find("\r\nContent-Length: 9\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("\r\nContent-Type: text/plain; charset=utf-8\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("Date: "), std::string::npos) << head;
  EXPECT_NE(head.find(" GMT\r\n"), std::string::npos) << head;
}

TEST_F(HttpServerTest, CompressesWhatIsLargeForWhoTakesIt) {
  const std::uint16_t port = serve();
  const std::string plain = curl({"-w", "%{size_download}", "-o", "/dev/null", url(port, "/big")});
  EXPECT_EQ(plain, "100000");
  const std::string packed =
      curl({"-w", "%{size_download}", "-o", "/dev/null", "-H", "Accept-Encoding: br, gzip", url(port, "/big")});
  EXPECT_LT(std::stoi(packed), 2000);
  EXPECT_EQ(curl({"--compressed", url(port, "/big")}), std::string(100'000, 'x'));
  EXPECT_EQ(curl({"-w", "%{size_download}", "-o", "/dev/null", "-H", "Accept-Encoding: gzip;q=0", url(port, "/big")}),
            "100000");
  const std::string small = curl({"-i", "-H", "Accept-Encoding: gzip", url(port, "/small")});
  EXPECT_EQ(small.find("gzip"), std::string::npos) << small;
}

TEST_F(HttpServerTest, AnswersManyOnOneConnection) {
  const std::uint16_t port = serve();
  RawClient client(port);
  client.send(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET http://x:1/3?q HTTP/1.1\r\nConnection: "
      "close\r\n\r\n");
  const std::string all = client.read_all();
  const std::size_t one = all.find("GET /1  0");
  const std::size_t two = all.find("GET /2  0", one);
  EXPECT_NE(all.find("GET /3 q 0", two), std::string::npos) << all;
}

struct Refused {
  const char* what;
  std::string request;
  std::string status;
};

TEST_F(HttpServerTest, RefusesBadRequests) {
  ServerLimits limits;
  limits.header_bytes = 1000;
  limits.body_bytes = 1000;
  limits.read = 1s;
  const std::uint16_t port = serve(limits);
  const Refused cases[] = {
      {"garbage", "\x16\x03\x01garbage\r\n\r\n", "HTTP/1.1 400 "},
      {"no path", "GET x HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
      {"a zero byte in the path", "GET /%00 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
      {"two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "HTTP/1.1 400 "},
      {"large headers", "GET / HTTP/1.1\r\nX: " + std::string(5000, 'x'), "HTTP/1.1 431 "},
      {"a large body", "POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", "HTTP/1.1 413 "},
      {"a large chunked body", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'x'),
       "HTTP/1.1 413 "},
      {"half a request", "GET / HTT", "HTTP/1.1 408 "},
  };
  for (const Refused& c : cases) {
    SCOPED_TRACE(c.what);
    RawClient client(port);
    client.send(c.request);
    const std::string answer = client.read_until("\r\n\r\n");
    EXPECT_EQ(answer.substr(0, c.status.size()), c.status);
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  }
}

TEST_F(HttpServerTest, ClosesIdleConnections) {
  ServerLimits limits;
  limits.idle = 1s;
  const std::uint16_t port = serve(limits);
  RawClient client(port);
  client.send("GET /x HTTP/1.1\r\n\r\n");
  EXPECT_NE(client.read_all().find("GET /x  0"), std::string::npos);
}

TEST_F(HttpServerTest, AnswersForAHandlerThatThrows) {
  const std::uint16_t port = serve();
  EXPECT_EQ(curl({"-w", "%{http_code}", url(port, "/throw")}), "Internal error.\n500");
  EXPECT_EQ(curl({"-w", "%{http_code}", url(port, "/bad-header")}), "Internal error.\n500");
  EXPECT_EQ(curl({url(port, "/next")}), "GET /next  0");
  stop();
  EXPECT_EQ(loop_.crash(), "http handler of GET /bad-header: a response header has a line break in it");
}

TEST_F(HttpServerTest, RefusesTooManyConnections) {
  ServerLimits limits;
  limits.connections = 2;
  const std::uint16_t port = serve(limits);
  RawClient one(port);
  RawClient two(port);
  one.send("GET /1 HTTP/1.1\r\n\r\n");
  two.send("GET /2 HTTP/1.1\r\n\r\n");
  one.read_until("GET /1");
  two.read_until("GET /2");
  RawClient three(port);
  three.send("GET /3 HTTP/1.1\r\n\r\n");
  EXPECT_EQ(three.read_all().substr(0, 13), "HTTP/1.1 503 ");
  one.send("GET /again HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_NE(one.read_all().find("/again"), std::string::npos);
  EXPECT_TRUE(test::wait_until([&] {
    RawClient four(port);
    four.send("GET /4 HTTP/1.1\r\nConnection: close\r\n\r\n");
    return four.read_all().starts_with("HTTP/1.1 200 ");
  }));
}

Task<void> shut_down(HttpServer* server, std::atomic<bool>* done, std::chrono::milliseconds time) {
  co_await server->shutdown(TestLoop::in(time));
  *done = true;
}

TEST_F(HttpServerTest, LetsRequestsFinishWhenItShutsDown) {
  const std::uint16_t port = serve();
  RawClient idle(port);
  idle.send("GET /x HTTP/1.1\r\n\r\n");
  idle.read_until("GET /x");
  RawClient slow(port);
  slow.send("GET /slow HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(test::wait_until([&] { return entered_.load(); }));
  std::atomic<bool> done = false;
  loop_.loop().spawn("shutdown", shut_down(server_.get(), &done, 5s));
  idle.read_all();
  EXPECT_FALSE(done);
  const std::string answer = slow.read_all();
  EXPECT_NE(answer.find("GET /slow  0"), std::string::npos) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  EXPECT_TRUE(test::wait_until([&] { return done.load(); }));
  EXPECT_FALSE(test::port_answers(port));
}

TEST_F(HttpServerTest, ClosesWhatDoesNotFinishInTime) {
  const std::uint16_t port = serve();
  RawClient slow(port);
  slow.send("GET /slow HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(test::wait_until([&] { return entered_.load(); }));
  std::atomic<bool> done = false;
  loop_.loop().spawn("shutdown", shut_down(server_.get(), &done, 10ms));
  EXPECT_EQ(slow.read_all(), "");
  EXPECT_TRUE(test::wait_until([&] { return done.load(); }));
}

TEST_F(HttpServerTest, SaysWhoHasTheAddress) {
  const std::uint16_t port = serve();
  TestLoop loop;
  HttpServer second(
      loop.loop(), [](ServerRequest) -> Task<ServerResponse> { co_return ServerResponse(); }, ServerLimits());
  const std::string number = std::to_string(port);
  const auto taken = second.listen(loopback(port));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().detail, "cannot listen on 127.0.0.1:" + number +
                                      ": address already in use (another tocsin? see: ss -ltnp 'sport = :" + number +
                                      "')");
  Address foreign;
  foreign.host = "192.0.2.1";
  foreign.port = 9;
  const auto elsewhere = second.listen(foreign);
  ASSERT_FALSE(elsewhere);
  EXPECT_NE(elsewhere.error().detail.find("no interface of this machine has that address"), std::string::npos);
}

TEST_F(HttpServerTest, ListensAgainAtOnce) {
  const std::uint16_t port = serve();
  EXPECT_EQ(curl({url(port, "/x")}), "GET /x  0");
  stop();
  server_.reset();
  TestLoop loop;
  HttpServer second(
      loop.loop(), [](ServerRequest) -> Task<ServerResponse> { co_return ServerResponse(); }, ServerLimits());
  EXPECT_TRUE(second.listen(loopback(port)));
}

TEST_F(HttpServerTest, ServesAUnixSocket) {
  const test::TempDir dir;
  const std::string path = dir / "tocsin.sock";
  {
    // What a crashed process leaves behind: a socket that nobody serves.
    const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    ASSERT_EQ(::bind(stale, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    ::close(stale);
  }
  serve({}, path);
  struct stat found {};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0660U);
  EXPECT_EQ(curl({"--unix-socket", path, "http://localhost/x"}), "GET /x  0");
  EXPECT_EQ(peer(), "local");

  TestLoop loop;
  BlockingPool pool(1);
  Connector connector(pool);
  const Url url = parse_url("http+unix://" + percent_encode(path) + "/y").value();
  HttpRequest request;
  request.target = "/y";
  const auto response = loop.run(fetch(connector, url, std::nullopt, request, {}, TestLoop::in(10s)));
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(response->body, "GET /y  0");

  HttpServer second(
      loop.loop(), [](ServerRequest) -> Task<ServerResponse> { co_return ServerResponse(); }, ServerLimits());
  const auto taken = second.listen(unix_address(path));
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().detail.find("another process serves that socket"), std::string::npos) << taken.error().detail;
  const auto no_socket = second.listen(unix_address(dir.write("file", "x")));
  ASSERT_FALSE(no_socket);
  EXPECT_NE(no_socket.error().detail.find("it is no socket"), std::string::npos);
  stop();
  server_.reset();
  EXPECT_NE(::stat(path.c_str(), &found), 0) << "the socket's file is left";
}

}  // namespace
}  // namespace tocsin::net
