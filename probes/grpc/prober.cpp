// The driver: looks up, connects, asks once. What the bytes mean is decided in health.cpp.
#include <utility>

#include "grpc/series.hpp"
#include "src/reach.hpp"
#include "tocsin/net/http2.hpp"
#include "tocsin/probes/grpc.hpp"

namespace tocsin::probes {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;
using grpc::Sight;

constexpr std::size_t max_series = 64;  // of one target; there are about 40

class GrpcProber final : public Prober {
 public:
  GrpcProber(net::Connector& connector, Identity identity, GrpcOptions options)
      : connector_(connector),
        identity_(std::move(identity)),
        options_(std::move(options)),
        series_(identity_.base),
        common_(identity_.base),
        table_(max_series) {
    limits_.header_bytes = options_.max_reply;
    limits_.body_bytes = options_.max_reply;
    if (options_.tls) options_.tls->alpn = {"h2"};
    if (options_.authority.empty()) options_.authority = options_.address.to_string();
  }

  net::Task<core::Observation> probe(ProbeStart start) override {
    const auto began = steady_now();
    Sight sight;
    sight.ending.timeout = start.deadline - began;
    auto failure = co_await call(start.deadline, sight);
    if (failure) {
      sight.answer.code = grpc::code_of(*failure);
      sight.answer.failure = std::move(failure);
    }
    sight.ending.took = steady_now() - began;
    sight.ending.good = !sight.answer.failure;
    co_return observe(start, sight);
  }

 private:
  /// Why there is no answer; `sight.answer` where there is one.
  net::Task<std::optional<Failure>> call(core::Deadline deadline, Sight& sight) {
    auto request = make_request();
    if (!request) co_return request.error();
    auto addresses = co_await find_addresses(connector_, options_.address.host, options_.address.port,
                                             options_.ip_protocol, deadline, &sight.ending.lookup);
    if (!addresses) co_return addresses.error();
    sight.ending.address = addresses->front();
    sight.called = true;
    const auto began = steady_now();
    auto failure = co_await check(std::move(*addresses), std::move(*request), deadline, sight);
    sight.check = steady_now() - began;
    co_return failure;
  }

  net::Task<std::optional<Failure>> check(std::vector<net::Endpoint> addresses, net::HttpRequest request,
                                          core::Deadline deadline, Sight& sight) {
    auto connected = co_await connect_one(connector_, std::move(addresses), deadline);
    if (!connected) co_return connected.error();
    sight.ending.address = connected->address;
    net::Stream& stream = *connected->stream;
    if (options_.tls) {
      const auto done = co_await stream.start_tls(*options_.tls, options_.address.host);
      if (const net::TlsInfo* info = stream.tls()) sight.tls = *info;
      if (!done) co_return in_phase(done.error(), Phase::tls);
      sight.tls_used = true;
    }
    request.headers.emplace_back("grpc-timeout", grpc::timeout_text(deadline - steady_now()));
    net::ExchangeTimes times;
    net::Http2Answer answer;
    const std::string_view scheme = options_.tls ? "https" : "http";
    const auto done = co_await net::http2_exchange(stream, request, scheme, limits_, &times, answer);
    stream.close();
    if (!done) co_return in_phase(done.error(), times.sent ? Phase::receive : Phase::send);
    sight.answer = grpc::judge(answer);
    co_return std::nullopt;
  }

  Result<net::HttpRequest> make_request() const {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/grpc.health.v1.Health/Check";
    request.headers = {{"Host", options_.authority},
                       {"te", "trailers"},
                       {"content-type", "application/grpc"},
                       {"user-agent", "tocsin/" TOCSIN_VERSION}};
    for (const MetadataSource& entry : options_.metadata) {
      auto value = entry.value.read();
      if (!value) return value.error();
      if (value->reveal().find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
        return Failure{Outcome::auth, Phase::auth, "the value of the metadata " + entry.name + " holds a line break"};
      }
      request.headers.emplace_back(entry.name, value->reveal());
    }
    request.body = grpc::encode_request(options_.service);
    return request;
  }

  core::Observation observe(const ProbeStart& start, Sight& sight) {
    core::Observation observation;
    observation.target = identity_.target;
    observation.at = start.at;
    observation.took = sight.ending.took;
    if (sight.answer.failure) {
      observation.outcome = sight.answer.failure->outcome;
      observation.phase = sight.answer.failure->phase;
      observation.detail = std::move(sight.answer.failure->detail);
    }
    table_.begin();
    series_.append(table_, sight);
    common_.append(table_, observation.outcome, observation.took);
    observation.batch = table_.take();
    return observation;
  }

  net::Connector& connector_;
  Identity identity_;
  GrpcOptions options_;
  net::HttpLimits limits_;
  grpc::GrpcSeries series_;
  CommonMetrics common_;
  core::SeriesTable table_;
};

}  // namespace

std::unique_ptr<Prober> make_grpc_prober(net::Connector& connector, net::Executor /*executor*/, Identity identity,
                                         GrpcOptions options) {
  return std::make_unique<GrpcProber>(connector, std::move(identity), std::move(options));
}

}  // namespace tocsin::probes
