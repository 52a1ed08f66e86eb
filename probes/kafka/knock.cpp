#include "kafka/knock.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include "kafka/failure.hpp"

namespace tocsin::probes::kafka {

net::Task<core::Result<void>> knock(net::Connector& connector, const KafkaOptions& options, std::size_t& first,
                                    core::Deadline deadline) {
  std::optional<core::Failure> worst;
  const std::size_t count = options.brokers.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t which = (first + i) % count;
    const auto now = std::chrono::steady_clock::now();
    // All but the last leave something for those that come after them, and all for the questions.
    const auto until = now + (deadline - now) / static_cast<long>(count - i == 1 ? 1 : count - i);
    auto address = options.brokers[which];
    std::optional<net::TlsOptions> tls;
    if (uses_tls(options.security)) tls = options.tls;
    auto opened = co_await connector.open(std::move(address), std::move(tls), until);
    if (opened) {
      (*opened)->close();
      first = which;
      co_return core::Result<void>();
    }
    auto failure = opened.error();
    failure.detail = options.brokers[which].to_string() + ": " + failure.detail;
    if (!worst || says_more(failure, *worst)) worst = std::move(failure);
  }
  co_return *worst;
}

}  // namespace tocsin::probes::kafka
