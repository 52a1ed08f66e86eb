// What is secret shows nowhere, whatever the kind of probe and however it fails.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "real/house.hpp"
#include "support/fake_peer.hpp"

namespace tocsin::test {
namespace {

/// Gives back whatever it is sent, as bad answers do that end up in messages.
void echo(FakeConnection& connection) {
  const std::string heard = connection.read_until("\n");
  connection.send("HTTP/1.1 500 " + heard.substr(0, 200) + "\r\nX-Echo: " + heard + "\r\n" + heard);
  connection.send(connection.read(200));
}

std::string config(std::uint16_t echo, std::uint16_t redis) {
  return fmt::format(R"(global: {{probe_interval: 300ms, probe_timeout: 300ms, confirm: 0s}}
packs: []
probes:
  - job: web
    targets: ["http://user:secret-01@127.0.0.1:{0}/x"]
    headers: {{X-Key: secret-02}}
    expect: {{body_matches: nowhere}}
  - {{job: bearer, targets: ["http://127.0.0.1:{0}/b"], bearer: secret-03, proxy_url: "http://u:secret-04@127.0.0.1:{0}"}}
  - {{job: app, kind: metrics, targets: ["http://127.0.0.1:{0}/m"], authorization: {{credentials: secret-05}}}}
  - {{job: rpc, targets: ["grpc://127.0.0.1:{0}"], metadata: {{x-key: secret-06}}}}
  - {{job: chat, targets: ["ws://127.0.0.1:{0}/w"], basic_auth: {{username: u, password: secret-07}}}}
  - {{job: check, kind: exec, command: [/bin/sh, -c, 'echo "$TOKEN"; exit 2'], env: {{TOKEN: secret-08}}}}
  - {{job: nightly, targets: ["push://backup"], expect_every: 1h, token: secret-09}}
  - {{job: db, targets: ["postgresql://mon:secret-10@127.0.0.1:{0}/app?sslmode=disable"]}}
  - {{job: cache, targets: ["redis://:secret-11@127.0.0.1:{1}", "redis://u:secret-12@127.0.0.1:{0}"]}}
  - job: messages
    kind: kafka
    name: k
    brokers: ["127.0.0.1:{0}"]
    security: sasl_ssl
    sasl: {{mechanism: PLAIN, username: u, password: secret-13}}
)",
                     echo, redis);
}

TEST(Secrets, ShowNowhere) {
  const FakePeer peer(echo);
  const TempDir folder;
  const auto redis_port = free_port();
  const auto redis = start_redis(redis_port, folder, {"--requirepass", "another"});
  Tocsin tocsin(config(peer.port(), redis_port), {"--log-level", "debug"});
  tocsin.wait_ready();
  // Each has been asked, and has failed (the job that reports has its time yet).
  EXPECT_TRUE(wait_until([&] { return tocsin.query("count(tocsin_probe_success == 0)") == 10; }))
      << tocsin.query("count(tocsin_probe_success == 0)").value_or(-1);
  std::string everything = tocsin.child().output();
  for (const char* path :
       {"/", "/metrics", "/api/v1/targets", "/api/v1/rules", "/api/v1/alerts", "/api/v1/status/config",
        "/api/v1/query?query=%7B__name__%3D~%22.%2B%22%7D", "/api/v1/metadata"}) {
    everything += http(tocsin.port(), path).body;
  }
  everything += http(tocsin.port(), "/push/backup", "POST", "x 1\n", "text/plain").body;
  const std::string file = tocsin.folder() / "tocsin.yml";
  everything += run_tocsin({"check", "-T", file}).second;
  for (const char* job : {"web", "bearer", "app", "rpc", "chat", "check", "db", "cache", "messages"}) {
    const auto [status, said] = run_tocsin({"probe", "--config", file, job});
    EXPECT_EQ(status, 1) << said;
    everything += said;
  }
  // As they are, and as basic authentication writes them.
  for (const char* secret : {"secret-", "dXNlcjpzZWNyZXQt", "dTpzZWNyZXQt"}) {
    const auto at = everything.find(secret);
    EXPECT_EQ(at, std::string::npos) << everything.substr(at - std::min<std::size_t>(at, 300), 400);
  }
}

}  // namespace
}  // namespace tocsin::test
