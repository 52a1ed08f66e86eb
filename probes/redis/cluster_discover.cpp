// Asking one node of a cluster for the others.
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "redis/cluster.hpp"
#include "redis/refusal.hpp"
#include "redis/round.hpp"

namespace tocsin::probes {
namespace redis {
namespace {

/// AUTH where there are credentials, and the ways to ask for nodes. The first answer that names some counts.
class Discovery final : public Exchange {
 public:
  Discovery(const RedisOptions& options, const Credentials& credentials)
      : Exchange(options.max_reply), reached_{options.address, options.tls.has_value()} {
    Questions entry(options.commands);
    if (!credentials.empty()) entry.auth(credentials);
    password_ = credentials.password;
    entering_ = entry.list().size();
    constexpr std::array<std::string_view, 3> ways{"SHARDS", "NODES", "SLOTS"};
    std::string request;
    request.reserve(entry.request().size() + 512);  // a buffer that grows leaves copies of the password behind
    request += entry.request();
    for (const auto way : ways) append_named(request, {"CLUSTER", way}, options.commands);
    request_ = core::Secret(std::move(request));
  }
  [[nodiscard]] std::string_view request() const override { return request_.reveal(); }
  [[nodiscard]] std::size_t size() const override { return entering_ + 3; }

  [[nodiscard]] core::Result<Nodes> result() const {
    if (!nodes_.empty()) return nodes_;
    if (failure_.outcome != core::Outcome::ok) return failure_;
    return core::Failure{core::Outcome::unexpected, core::Phase::query, "the cluster names no node with an address"};
  }

 protected:
  [[nodiscard]] core::Result<void> answer(std::size_t number, const Reply& reply) override {
    const bool entry = number < entering_;
    if (reply.kind() == Reply::Kind::error) {
      auto failure = refusal(entry ? Question::auth : Question::cluster, reply.text(), password_.reveal());
      if (entry || failure.outcome != core::Outcome::refused_command) return failure;
      const bool no_cluster = reply.text().find("cluster support disabled") != std::string_view::npos;
      if (no_cluster) {
        failure = {core::Outcome::unexpected, core::Phase::query, "the server is no node of a cluster"};
      }
      failure_ = std::move(failure);
      return {};
    }
    if (entry || !nodes_.empty()) return {};
    const std::size_t way = number - entering_;
    nodes_ = way == 0   ? nodes_of_shards(reply, reached_)
             : way == 1 ? nodes_of_text(reply.text(), reached_)
                        : nodes_of_slots(reply, reached_);
    return {};
  }
  [[nodiscard]] std::string_view name(std::size_t number) const override {
    constexpr std::array<std::string_view, 3> names{"CLUSTER SHARDS", "CLUSTER NODES", "CLUSTER SLOTS"};
    return number < entering_ ? std::string_view("AUTH") : names[number - entering_];
  }
  [[nodiscard]] bool is_entering(std::size_t number) const override { return number < entering_; }

 private:
  Reached reached_;
  core::Secret request_;
  core::Secret password_;
  std::size_t entering_ = 0;
  Nodes nodes_;
  core::Failure failure_{core::Outcome::ok, core::Phase::none, {}};
};

}  // namespace
}  // namespace redis

namespace redis_cluster {

net::Task<core::Result<std::vector<Node>>> discover(net::Connector& connector, RedisOptions options,
                                                    core::Deadline deadline) {
  redis::Credentials credentials;
  credentials.user = options.user;
  if (!options.password.empty()) {
    auto password = options.password.read();
    if (!password) co_return password.error();
    credentials.password = *password;
  }
  auto address = options.address;
  auto tls = options.tls;
  auto opened = co_await connector.open(std::move(address), std::move(tls), deadline);
  if (!opened) co_return opened.error();
  const auto stream = std::move(*opened);
  stream->expires_at(deadline);
  redis::Discovery discovery(options, credentials);
  const auto written = co_await stream->write(discovery.request());
  while (!discovery.done()) {
    const auto got = co_await stream->read_some(discovery.space());
    if (!got) co_return discovery.broken(written ? got.error() : written.error());
    const auto taken = discovery.take(*got);
    if (!taken) co_return taken.error();
  }
  stream->close();
  co_return discovery.result();
}

}  // namespace redis_cluster
}  // namespace tocsin::probes
