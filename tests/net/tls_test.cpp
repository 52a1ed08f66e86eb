#include <gtest/gtest.h>

#include <unistd.h>

#include <ctime>

#include "support/certificates.hpp"
#include "support/child.hpp"
#include "support/fake_peer.hpp"
#include "support/free_port.hpp"
#include "support/run_task.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::net {
namespace {

using namespace std::chrono_literals;
using core::Outcome;
using core::Phase;
using test::CertificateFiles;
using test::CertificateWish;
using test::FakeConnection;
using test::FakePeer;
using test::TestLoop;

/// `openssl s_server` with a certificate; it answers every line with the line reversed.
class TlsServer {
 public:
  explicit TlsServer(const CertificateFiles& files, const std::vector<std::string>& more = {})
      : port_(test::free_port()), child_(command(files, more)) {
    child_.wait_for_output("ACCEPT");
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  test::Child& child() { return child_; }

 private:
  [[nodiscard]] std::vector<std::string> command(const CertificateFiles& files,
                                                 const std::vector<std::string>& more) const {
    std::vector<std::string> argv = {"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port_),
                                     "-cert",   files.cert, "-key",    files.key,
                                     "-rev"};
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
  }
  std::uint16_t port_;
  test::Child child_;
};

class TlsTest : public testing::Test {
 protected:
  core::Result<void> open(std::uint16_t port, TlsOptions options, std::string host = "localhost") {
    Endpoint endpoint;
    endpoint.bytes = {127, 0, 0, 1};
    endpoint.port = port;
    auto stream = loop_.run(connector_.connect(endpoint, TestLoop::in(5s)));
    if (!stream) return stream.error();
    stream_ = std::move(*stream);
    return loop_.run(stream_->start_tls(options, std::move(host)));
  }
  core::Result<std::string> ask(const std::string& line) {
    const auto written = loop_.run(stream_->write(line));
    if (!written) return written.error();
    std::string got;
    while (got.find('\n') == std::string::npos) {
      char buffer[100];
      const auto size = loop_.run(stream_->read_some(buffer));
      if (!size) return size.error();
      got.append(buffer, *size);
    }
    return got;
  }
  TlsOptions trusting() const {
    TlsOptions options;
    options.ca_file = certificates_.ca_file();
    return options;
  }

  test::Certificates certificates_;
  TestLoop loop_;
  BlockingPool pool_{1};
  Connector connector_{pool_};
  std::unique_ptr<Stream> stream_;
};

TEST_F(TlsTest, WritesAndReads) {
  TlsServer server(certificates_.issue());
  const auto good = open(server.port(), trusting());
  ASSERT_TRUE(good) << good.error().detail;
  EXPECT_EQ(ask("hello\n").value(), "olleh\n");
  EXPECT_EQ(ask("again\n").value(), "niaga\n");
  server.child().kill();
  EXPECT_EQ(ask("gone\n").error().outcome, Outcome::closed);
}

TEST_F(TlsTest, AgreesOnAProtocol) {
  TlsServer server(certificates_.issue(), {"-alpn", "h2,http/1.1"});
  TlsOptions options = trusting();
  ASSERT_TRUE(open(server.port(), options));
  EXPECT_EQ(stream_->tls()->alpn, "");
  options.alpn = {"h2"};
  ASSERT_TRUE(open(server.port(), options));
  EXPECT_EQ(stream_->tls()->alpn, "h2");
  options.alpn = {"unheard-of", "http/1.1"};
  ASSERT_TRUE(open(server.port(), options));
  EXPECT_EQ(stream_->tls()->alpn, "http/1.1");
}

TEST_F(TlsTest, KeepsToTheVersionsItMaySpeak) {
  TlsServer server(certificates_.issue(), {"-cipher", "DEFAULT@SECLEVEL=0"});
  TlsOptions options = trusting();
  options.max_version = TlsVersion::tls12;
  ASSERT_TRUE(open(server.port(), options));
  EXPECT_EQ(stream_->tls()->version, "TLS 1.2");
  options.min_version = TlsVersion::tls10;
  options.max_version = TlsVersion::tls11;
  const auto old = open(server.port(), options);
  ASSERT_TRUE(old) << old.error().detail;
  EXPECT_EQ(stream_->tls()->version, "TLS 1.1");
  options = trusting();
  options.min_version = TlsVersion::tls13;
  TlsServer older(certificates_.issue(), {"-tls1_2"});
  const auto refused = open(older.port(), options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().outcome, Outcome::tls);
}

TEST_F(TlsTest, TellsWhatThePeerShowed) {
  CertificateWish wish;
  wish.name = "cache, one";
  wish.alternative = "DNS:localhost,DNS:*.cache.test,IP:127.0.0.1";
  wish.until = 1h;
  TlsServer server(certificates_.issue(wish));
  ASSERT_TRUE(open(server.port(), trusting()));
  const TlsInfo& info = *stream_->tls();
  EXPECT_EQ(info.version, "TLS 1.3");
  EXPECT_EQ(info.cipher, "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(info.subject, "CN=cache\\, one,O=tocsin test");
  EXPECT_EQ(info.issuer, "CN=Test CA,O=tocsin test");
  EXPECT_EQ(info.subject_alternative, "localhost,*.cache.test");
  EXPECT_EQ(info.serial, "a2");
  EXPECT_EQ(info.fingerprint_sha256.size(), 64U);
  EXPECT_EQ(info.verify_error, "");
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_NEAR(core::to_seconds(*info.earliest_expiry), now + 3600, 30);
  EXPECT_NEAR(core::to_seconds(*info.chain_expiry), now + 3600, 30);
  // Any of these names, and the address, is the server's.
  EXPECT_TRUE(open(server.port(), trusting(), "127.0.0.1"));
  EXPECT_TRUE(open(server.port(), trusting(), "x.cache.test"));
  TlsOptions named = trusting();
  named.server_name = "y.cache.test";
  EXPECT_TRUE(open(server.port(), named, "whatever"));
}

TEST_F(TlsTest, RefusesBadCertificatesAndSaysWhy) {
  struct Case {
    const char* what;
    CertificateWish wish;
    std::string host;
    bool trusted;
    std::string error;
  };
  CertificateWish expired;
  expired.from = -48h;
  expired.until = -24h;
  CertificateWish early;
  early.from = 24h;
  early.until = 48h;
  CertificateWish self_signed;
  self_signed.self_signed = true;
  const Case cases[] = {
      {"expired", expired, "localhost", true, "certificate has expired"},
      {"not yet valid", early, "localhost", true, "certificate is not yet valid"},
      {"another name", {}, "other.test", true, "hostname mismatch"},
      {"another address", {}, "127.0.0.2", true, "IP address mismatch"},
      {"unknown authority", {}, "localhost", false, "unable to get local issuer certificate"},
      {"self-signed", self_signed, "localhost", true, "self-signed certificate"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    TlsServer server(certificates_.issue(c.wish));
    const auto opened = open(server.port(), c.trusted ? trusting() : TlsOptions(), c.host);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().outcome, Outcome::tls);
    EXPECT_EQ(opened.error().phase, Phase::tls);
    EXPECT_NE(opened.error().detail.find(c.error), std::string::npos) << opened.error().detail;
    EXPECT_NE(opened.error().detail.find(c.host), std::string::npos) << opened.error().detail;
    EXPECT_NE(opened.error().detail.find("127.0.0.1:" + std::to_string(server.port())), std::string::npos);
    ASSERT_NE(stream_->tls(), nullptr);
    EXPECT_NE(stream_->tls()->verify_error.find(c.error), std::string::npos);
    EXPECT_TRUE(stream_->tls()->earliest_expiry);
    EXPECT_FALSE(stream_->tls()->chain_expiry);

    TlsOptions careless;
    careless.insecure_skip_verify = true;
    const auto anyway = open(server.port(), careless, c.host);
    ASSERT_TRUE(anyway) << anyway.error().detail;
    EXPECT_EQ(ask("abc\n").value(), "cba\n");
    EXPECT_TRUE(stream_->tls()->earliest_expiry);
    EXPECT_FALSE(stream_->tls()->chain_expiry);
  }
}

TEST_F(TlsTest, ShowsItsOwnCertificate) {
  TlsServer server(certificates_.issue(), {"-Verify", "1", "-CAfile", certificates_.ca_file(), "-verify_return_error"});
  CertificateWish wish;
  wish.name = "client";
  const CertificateFiles files = certificates_.issue(wish);
  TlsOptions options = trusting();
  options.cert_file = files.cert;
  options.key_file = files.key;
  ASSERT_TRUE(open(server.port(), options));
  EXPECT_EQ(ask("abc\n").value(), "cba\n");

  // With TLS 1.3 the server's refusal comes after the handshake.
  const auto without = open(server.port(), trusting());
  const core::Failure failure = without ? ask("abc\n").error() : without.error();
  EXPECT_EQ(failure.outcome, Outcome::tls);
  EXPECT_NE(failure.detail.find("certificate required"), std::string::npos) << failure.detail;
}

TEST_F(TlsTest, NamesTheFileThatIsBad) {
  TlsServer server(certificates_.issue());
  const std::string garbage = certificates_.dir().write("garbage.pem", "not PEM");
  TlsOptions options;
  options.ca_file = "/no/such/ca.pem";
  EXPECT_EQ(open(server.port(), options).error().detail,
            "cannot use the CA file /no/such/ca.pem: No such file or directory");
  options.ca_file = garbage;
  EXPECT_NE(open(server.port(), options).error().detail.find("cannot use the CA file " + garbage), std::string::npos);
  options = trusting();
  options.cert_file = garbage;
  EXPECT_NE(open(server.port(), options).error().detail.find("cannot use the certificate " + garbage),
            std::string::npos);
  const CertificateFiles one = certificates_.issue();
  const CertificateFiles two = certificates_.issue();
  options.cert_file = one.cert;
  options.key_file = two.key;
  const auto mixed = open(server.port(), options);
  EXPECT_EQ(mixed.error().outcome, Outcome::tls);
  EXPECT_EQ(mixed.error().detail, "cannot use the private key " + two.key + ": key values mismatch");
}

TEST_F(TlsTest, SaysThatThePeerSpeaksNoTls) {
  FakePeer plain([](FakeConnection& c) {
    c.read(5);
    c.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    c.hang();
  });
  auto opened = open(plain.port(), trusting());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().outcome, Outcome::tls);
  EXPECT_NE(opened.error().detail.find("does not speak TLS on this port"), std::string::npos) << opened.error().detail;

  FakePeer closes([](FakeConnection& c) { c.read(300); });
  opened = open(closes.port(), trusting());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().outcome, Outcome::tls);
  EXPECT_NE(opened.error().detail.find("does it speak TLS"), std::string::npos) << opened.error().detail;
}

TEST_F(TlsTest, TimesOutInTheHandshake) {
  FakePeer silent([](FakeConnection& c) { c.hang(); });
  Address address;
  address.host = "127.0.0.1";
  address.port = silent.port();
  const auto stream = loop_.run(connector_.open(address, trusting(), TestLoop::in(50ms)));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().outcome, Outcome::timeout);
  EXPECT_EQ(stream.error().phase, Phase::tls);
}

TEST_F(TlsTest, RefusesOldProtocols) {
  TlsServer server(certificates_.issue(), {"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"});
  const auto opened = open(server.port(), trusting());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().outcome, Outcome::tls);
}

TEST_F(TlsTest, WatchesPastSessionTicketsUntilThePeerCloses) {
  TlsServer server(certificates_.issue(), {"-num_tickets", "4"});
  ASSERT_TRUE(open(server.port(), trusting()));
  loop_.loop().post_after(100ms, [&] { stream_->stop_watching(); });
  EXPECT_FALSE(loop_.run(stream_->wait_closed()));  // the tickets that came meanwhile do not count
  EXPECT_EQ(ask("abc\n").value(), "cba\n");
  loop_.loop().post_after(20ms, [&] { server.child().kill(); });
  EXPECT_TRUE(loop_.run(stream_->wait_closed()));
}

TEST_F(TlsTest, ReadsFilesAgainWhenTold) {
  TlsServer server(certificates_.issue());
  const std::string copy = certificates_.dir().write("copy.pem", test::read_text(certificates_.ca_file()));
  TlsOptions options;
  options.ca_file = copy;
  ASSERT_TRUE(open(server.port(), options));
  ::unlink(copy.c_str());
  EXPECT_TRUE(open(server.port(), options));
  connector_.forget_tls_contexts();
  EXPECT_FALSE(open(server.port(), options));
}

}  // namespace
}  // namespace tocsin::net
