// A real nginx with every kind of answer and certificate that an HTTP probe should meet.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "probes/http_probe.hpp"
#include "support/certificates.hpp"
#include "support/free_port.hpp"
#include "support/nginx.hpp"

namespace tocsin::test {

using namespace std::chrono_literals;

/// One nginx for all tests of a suite, with every kind of certificate on a port of its own.
class HttpNginx : public testing::Test {
 protected:
  struct Server {
    test::Certificates certificates;
    std::uint16_t plain = test::free_port(), good = test::free_port(), expired = test::free_port(),
                  self_signed = test::free_port(), wrong_host = test::free_port(), http2 = test::free_port();
    test::Nginx nginx{blocks(), plain};

    std::string blocks() {
      test::CertificateWish old, self, other;
      old.from = -48h;
      old.until = -24h;
      self.self_signed = true;
      other.name = "other.example";
      other.alternative = "DNS:other.example";
      const auto www = std::to_string(plain);
      certificates.dir().write("users", "me:{PLAIN}pw\n");
      return "server {\n listen 127.0.0.1:" + www + R"(;
 location = /redirect { return 302 /; }
 location = /permanent { return 308 /health.json; }
 location = /loop { return 302 /loop; }
 location = /bad { return 503; }
 location = /busy { return 429; }
 location = /forbidden { return 403; }
 location = /nothing { return 204; }
 location = /tls { return 302 https://127.0.0.1:)" +
             std::to_string(good) + R"(/; }
 location = /auth { auth_basic closed; auth_basic_user_file )" +
             (certificates.dir() / "users") + R"(; try_files /index.html =404; }
 location = /packed { gzip on; gzip_min_length 1; gzip_types *; add_header X-Way packed; try_files /health.json =404; }
 location = /echo { return 200 "$request_method $http_host $http_x_key $http_user_agent"; }
}
)" + tls(good, certificates.issue()) +
             tls(expired, certificates.issue(old)) + tls(self_signed, certificates.issue(self)) +
             tls(wrong_host, certificates.issue(other)) + tls(http2, certificates.issue(), "ssl http2");
    }
    static std::string tls(std::uint16_t port, const test::CertificateFiles& files, const std::string& how = "ssl") {
      return "server {\n listen 127.0.0.1:" + std::to_string(port) + " " + how + ";\n ssl_certificate " + files.cert +
             ";\n ssl_certificate_key " + files.key +
             ";\n location = /down { return 302 http://127.0.0.1:$arg_port/; }\n}\n";
    }
  };

  static void SetUpTestSuite() { server_ = std::make_unique<Server>(); }
  static void TearDownTestSuite() { server_.reset(); }

  static probes::HttpOptions plain(const std::string& path) {
    return HttpProbe::to(HttpProbe::local(server_->plain, path));
  }
  static probes::HttpOptions secure(std::uint16_t port, const std::string& path = "/") {
    auto options = HttpProbe::to("https://127.0.0.1:" + std::to_string(port) + path);
    options.tls.ca_file = server_->certificates.ca_file();
    return options;
  }
  static inline std::unique_ptr<Server> server_;
};

}  // namespace tocsin::test
