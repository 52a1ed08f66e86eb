#include "dns/ask.hpp"

#include "dns/message.hpp"
#include "src/reach.hpp"
#include "tocsin/net/datagram.hpp"

namespace tocsin::probes::dns {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;

namespace {

constexpr int max_strangers = 1000;  // datagrams that answer something else; more of them are an attack
constexpr std::size_t max_datagram = 4096;

/// Fills all of `into`, or says why not.
net::Task<std::optional<Failure>> read_all(net::Stream& stream, std::span<char> into) {
  while (!into.empty()) {
    const auto size = co_await stream.read_some(into);
    if (!size) co_return in_phase(size.error(), Phase::receive);
    into = into.subspan(*size);
  }
  co_return std::nullopt;
}

}  // namespace

net::Task<Result<std::string>> ask_udp(net::Executor executor, net::Endpoint to, std::optional<net::Endpoint> source,
                                       const std::string& query, core::Deadline deadline, core::Deadline* connected) {
  auto socket = net::Datagram::connect(executor, to, source);
  if (!socket) co_return socket.error();
  *connected = steady_now();
  const auto sent = co_await socket->send(query, deadline);
  if (!sent) co_return sent.error();
  std::string buffer(max_datagram, '\0');
  for (int strangers = 0; strangers <= max_strangers; ++strangers) {
    const auto received = co_await socket->receive(buffer, deadline);
    if (!received) co_return received.error();
    if (!answers(std::string_view(buffer).substr(0, received->size), query)) continue;
    if (received->cut) {
      co_return Failure{Outcome::limit, Phase::receive, "the answer is larger than 4096 bytes (over UDP)"};
    }
    buffer.resize(received->size);
    co_return Result<std::string>(std::move(buffer));
  }
  co_return Failure{Outcome::protocol, Phase::receive, "more than 1000 datagrams came that answer something else"};
}

net::Task<Result<std::string>> ask_stream(net::Stream& stream, const std::string& query) {
  std::string framed;
  framed += static_cast<char>(query.size() >> 8U);
  framed += static_cast<char>(query.size() & 0xffU);
  framed += query;
  const auto sent = co_await stream.write(framed);
  if (!sent) co_return in_phase(sent.error(), Phase::send);
  char length[2] = {};
  auto failure = co_await read_all(stream, length);
  if (failure) co_return std::move(*failure);
  const std::size_t size = static_cast<unsigned char>(length[0]) * 256U + static_cast<unsigned char>(length[1]);
  std::string reply(size, '\0');
  failure = co_await read_all(stream, reply);
  if (failure) co_return std::move(*failure);
  if (answers(reply, query)) co_return Result<std::string>(std::move(reply));
  co_return Failure{Outcome::protocol, Phase::receive, "what came does not answer the question that was asked"};
}

}  // namespace tocsin::probes::dns
