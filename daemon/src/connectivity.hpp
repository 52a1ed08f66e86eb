// Whether tocsin itself has a network: targets that are asked when another one fails, before that failure is believed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/make_prober.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/daemon/config/config.hpp"
#include "tocsin/net/loop.hpp"

namespace tocsin::daemon {

/// What the targets of the check said last.
struct ConnectivityState {
  bool network = true;  // one of them answered
  bool names = true;    // one that has a name answered; where none has, as the network
  bool operator==(const ConnectivityState&) const = default;
};

/// Whether a failure of this class may be due to our own network, and is not to be believed in this state.
[[nodiscard]] bool doubtful(core::Outcome outcome, const ConnectivityState& state);
/// Whether a failure of this class says anything about the network at all.
[[nodiscard]] bool speaks_of_network(core::Outcome outcome);
/// The host of a target's instance: host:port, [v6]:port, or a URL.
[[nodiscard]] std::string host_of(const TargetConfig& target);
/// Whether a host is this machine: its failures have nothing to do with the network.
[[nodiscard]] bool is_local(std::string_view host);

/// On one loop, but for `configure` and `stop`, which are for any thread.
class Connectivity {
 public:
  using Changed = std::function<void(const ConnectivityState&)>;
  /// `changed` is called on the loop.
  Connectivity(net::Loop& loop, ProberTools tools, Changed changed);
  ~Connectivity();
  Connectivity(const Connectivity&) = delete;
  Connectivity& operator=(const Connectivity&) = delete;

  void configure(ConnectivityConfig config);
  void stop();
  /// Whether there is a check at all.
  [[nodiscard]] bool on() const;
  /// What the targets say when they are asked now. Where what failed is no `news`, an answer of the last second will
  /// do. Takes twice the check's timeout at most.
  [[nodiscard]] net::Task<ConnectivityState> ask(bool news);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::daemon
