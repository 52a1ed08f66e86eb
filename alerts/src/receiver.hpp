// What all requests to a receiver have in common: who we are, what a status means, what may be said of an answer.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "tocsin/alerts/receiver.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::alerts {

inline constexpr std::chrono::hours long_time{1};  // to wait where nothing is due
[[nodiscard]] inline core::Deadline now() { return std::chrono::steady_clock::now(); }
/// `1 alert`, `2 alerts`.
[[nodiscard]] std::string alerts_in_words(std::size_t count);

[[nodiscard]] bool same_url(const net::Url& a, const net::Url& b);

/// For logs and status: scheme and host. The path of a webhook or of a heartbeat may be its secret.
[[nodiscard]] std::string origin(const net::Url& url);

/// A request with User-Agent, credentials (what is configured stands before what the URL holds) and further headers;
/// its target is the URL's.
[[nodiscard]] core::Result<net::HttpRequest> make_request(const Receiver& to, std::string method);
/// One request on a connection of its own.
[[nodiscard]] net::Task<core::Result<net::HttpResponse>> call(net::Connector& connector, Receiver to,
                                                              net::HttpRequest request);

enum class Fate { delivered, retry, rejected, content_rejected };
/// What a status means for what was sent.
[[nodiscard]] Fate fate_of(unsigned status);
/// How long the receiver wants to be left alone; only in seconds, as busy servers say it.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_after(const net::HttpResponse& response);
/// A failure or a status in words, on one line, without a secret that the peer may repeat.
[[nodiscard]] std::string words_of(const core::Result<net::HttpResponse>& response, const Receiver& to);

}  // namespace tocsin::alerts
