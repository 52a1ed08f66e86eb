#include "src/push_route.hpp"

#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

#include "tocsin/core/number.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::string_view key_prefix = "push/";
constexpr std::chrono::seconds disk_time{10};

net::ServerResponse text(unsigned status, std::string body) {
  net::ServerResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

/// Takes the same time wherever the first difference is.
bool same_secret(std::string_view shown, std::string_view secret) {
  unsigned difference = shown.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto other = secret.empty() ? '\0' : secret[i % secret.size()];
    difference |= static_cast<unsigned char>(shown[i]) ^ static_cast<unsigned char>(other);
  }
  return difference == 0;
}

bool is_from_here(const std::string& peer) {
  return peer == "local" || peer.starts_with("127.") || peer.starts_with("[::1]:") || peer.starts_with("[::ffff:127.");
}

std::optional<net::ServerResponse> check_right(const net::ServerRequest& request, const probes::PushOptions& options) {
  if (options.token.empty()) {
    if (is_from_here(request.peer)) return std::nullopt;
    return text(403, "A job without a token is heard from this host alone (give it a token_file)\n");
  }
  const auto token = options.token.read();
  if (!token) return text(500, "The job's token cannot be read\n");
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view shown = net::header(request.headers, "Authorization");
  const bool bearer = shown.starts_with(scheme);
  if (bearer && !token->empty() && same_secret(shown.substr(scheme.size()), token->reveal())) return std::nullopt;
  auto response = text(401, "This job shows its token: Authorization: Bearer ...\n");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

/// Query parameters; false if one of them is not what it should be.
bool read_parameters(const std::string& query, probes::Push& push) {
  if (const std::string status = net::query_parameter(query, "status"); !status.empty()) {
    const auto number = core::parse_number<int>(status);
    if (!number) return false;
    push.status = *number;
  }
  if (const std::string duration = net::query_parameter(query, "duration"); !duration.empty()) {
    push.duration = core::parse_number<double>(duration);
    if (!push.duration || !std::isfinite(*push.duration) || *push.duration < 0) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> pushed_job(const std::string& path) {
  for (const std::string_view prefix : {"/push/", "/metrics/job/"}) {
    if (path.starts_with(prefix)) return path.substr(prefix.size());
  }
  return std::nullopt;
}

AskedPush read_push(const net::ServerRequest& request, const probes::PushOptions* options, core::TimePoint now) {
  AskedPush asked;
  if (request.method != "POST" && request.method != "PUT") {
    asked.refused = text(405, "A job reports by POST or PUT\n");
    asked.refused->headers.emplace_back("Allow", "POST, PUT");
  } else if (options == nullptr) {
    asked.refused = text(404, "Nobody waits for a job of this name (see the kind push)\n");
  } else {
    asked.refused = check_right(request, *options);
  }
  if (asked.refused) return asked;
  asked.push.at = now;
  if (!read_parameters(request.query, asked.push)) {
    asked.refused = text(400, "status is a whole number, and duration a number of seconds\n");
    return asked;
  }
  asked.push.format = core::text_format_of(net::header(request.headers, "Content-Type"));
  if (const auto good = probes::check_push_body(request.body, asked.push.format); !good) {
    asked.refused = text(400, "The metrics cannot be read: " + good.error().detail + "\n");
    return asked;
  }
  asked.push.body = request.body;
  return asked;
}

PushDesk::PushDesk(net::Loop& loop, probes::PushBox& box, state::Journal* journal)
    : loop_(loop), box_(box), journal_(journal) {
  if (journal_ == nullptr) return;
  for (const auto& [key, value] : journal_->remembered().kept) {
    if (!key.starts_with(key_prefix)) continue;
    if (auto record = probes::decode_push_record(value))
      box_.restore(key.substr(key_prefix.size()), std::move(*record));
  }
}

void PushDesk::expect(const std::string& name, core::TimePoint now) {
  if (!box_.expect(name, now) || journal_ == nullptr) return;
  journal_->keep(std::string(key_prefix) + name, probes::encode(*box_.record(name)), {});
}

net::Task<net::ServerResponse> PushDesk::answer(net::ServerRequest request, std::string name,
                                                const probes::PushOptions* options, core::TimePoint now) {
  AskedPush asked = read_push(request, options, now);
  if (asked.refused) co_return std::move(*asked.refused);
  auto record = box_.record(name);
  if (!record) co_return text(404, "Nobody waits for a job of this name (see the kind push)\n");
  record->last = std::make_shared<const probes::Push>(asked.push);
  const auto problem = co_await keep(std::string(key_prefix) + name, probes::encode(*record));
  // What it said is true, also where the disk is full.
  box_.put(name, std::move(asked.push));
  if (problem) co_return text(500, "Noted, but lost at a restart: " + *problem + "\n");
  co_return text(200, "Noted.\n");
}

/// What went wrong; nothing once it is on disk (or nothing is kept on disk).
net::Task<std::optional<std::string>> PushDesk::keep(std::string key, std::string value) {
  if (journal_ == nullptr) co_return std::nullopt;
  struct Receipt {
    explicit Receipt(net::Executor executor) : arrived(std::move(executor)) {}
    net::Event arrived;
    std::optional<std::string> problem;
  };
  const auto receipt = std::make_shared<Receipt>(loop_.executor());
  state::Journal::Receipt take = [&loop = loop_, receipt](std::optional<std::string> problem) {
    loop.post([receipt, problem = std::move(problem)] {
      receipt->problem = problem;
      receipt->arrived.set();
    });
  };
  journal_->keep(std::move(key), std::move(value), std::move(take));
  const bool arrived = co_await receipt->arrived.wait(std::chrono::steady_clock::now() + disk_time);
  if (!arrived) co_return "the disk does not answer";
  co_return receipt->problem;
}

}  // namespace tocsin::daemon
