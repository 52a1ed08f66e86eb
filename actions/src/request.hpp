// One HTTP request to a platform, and what can be known of it when it has ended.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/words.hpp"
#include "tocsin/actions/machine.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::actions {

/// A request whose placeholders are filled in.
struct Request {
  std::string method;
  std::string url;
  net::Headers headers;
  std::vector<std::pair<std::string, core::SecretSource>> secret_headers;  // read when it is sent
  std::string body;
  std::optional<net::TlsOptions> tls;
};

struct Answer {
  core::Result<net::HttpResponse> response;
  bool sent = false;  // the platform may have got something of it
  Secrets secrets;    // what must not be told of the answer
};

/// Sends it once, on a connection of its own. No redirects; at most 1 MiB of an answer. The connector must outlive it.
[[nodiscard]] net::Task<Answer> send(net::Connector& connector, Request request, core::Deadline deadline);

/// What a status says of a change when it is not the one that was hoped for. `refused` only where the platform says
/// that nothing was done: 4xx (but not 408, which may come from somebody between us who had passed it on) and 501. All
/// others leave it open; reading tells.
[[nodiscard]] CallEnd::How meaning_of(unsigned status);

/// "status 503: try again later", without secrets.
[[nodiscard]] std::string told(const net::HttpResponse& response, const Secrets& secrets);

/// How a change ended that got no answer.
[[nodiscard]] CallEnd without_answer(const Answer& answer);

}  // namespace tocsin::actions
