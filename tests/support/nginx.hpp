// A real nginx for one test.
#pragma once

#include <cstdint>
#include <string>

#include "support/child.hpp"
#include "support/temp_dir.hpp"

namespace tocsin::test {

class Nginx {
 public:
  /// `servers`: the server blocks; `port`: one they listen on. Files under `www` of `dir()` are served where a block
  /// says so.
  Nginx(const std::string& servers, std::uint16_t port) : child_({"nginx", "-p", dir_ / "", "-c", configure(servers)}) {
    child_.wait_for_port(port);
  }
  [[nodiscard]] const TempDir& dir() const { return dir_; }

 private:
  std::string configure(const std::string& servers) {
    std::string text =
        "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log stderr;\nevents { worker_connections 256; }\n"
        "http {\n  access_log off;\n  root www;\n  default_type text/plain;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      text += std::string("  ") + kind + "_temp_path " + kind + ";\n";
    }
    // Started as root, the worker would run as somebody who may not read the folder.
    if (::geteuid() == 0) text = "user root;\n" + text;
    dir_.write("www/index.html", "hello\n");
    dir_.write("www/health.json", R"({"database":"ok","queue":{"depth":3},"list":[1,{"a":true}]})");
    return dir_.write("nginx.conf", text + servers + "\n}\n");
  }

  TempDir dir_;
  Child child_;
};

}  // namespace tocsin::test
