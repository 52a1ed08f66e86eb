// What every socket that goes out has in common.
#pragma once

#include <optional>

#include "tocsin/core/result.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::net {

/// There is no socket to be had: `error` says why.
[[nodiscard]] core::Failure no_socket(int error);
/// Binds to the address of `source`, any port. A failure if it is none of ours, or of the other IP version than `to`.
[[nodiscard]] std::optional<core::Failure> bind_source(int fd, Endpoint source, const Endpoint& to);
/// What ICMP or the kernel said of the last thing that was sent.
[[nodiscard]] int pending_error(int fd);

}  // namespace tocsin::net
