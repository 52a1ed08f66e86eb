// Requests of any API: templated, a change with an Idempotency-Key, and what is read by a path into the answer.
#include <algorithm>
#include <utility>
#include <variant>

#include "src/driver.hpp"
#include "src/request.hpp"

namespace tocsin::actions {
namespace {

core::Result<Request> prepare(const ActionSpec& spec, const HttpCall& call, const Placeholders& values) {
  Request request;
  auto url = fill_url(spec, call.url, values);
  if (!url) return url.error();
  auto body = fill(spec, call.body, values);
  if (!body) return body.error();
  request.method = call.method;
  request.url = std::move(*url);
  request.body = std::move(*body);
  request.tls = call.tls;
  request.secret_headers = call.headers;
  request.headers.emplace_back("Accept", "application/json, */*;q=0.5");
  if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  if (!values.id.empty()) request.headers.emplace_back("Idempotency-Key", values.id);
  if (!call.bearer.empty()) {
    const auto token = call.bearer.read();
    if (!token) return token.error();
    core::SecretSource header;
    header.value = core::Secret("Bearer " + token->reveal());
    request.secret_headers.emplace_back("Authorization", std::move(header));
  }
  return request;
}

bool is_expected(const HttpCall& call, unsigned status) {
  if (call.status.empty()) return status >= 200 && status <= 299;
  return std::find(call.status.begin(), call.status.end(), status) != call.status.end();
}

}  // namespace

net::Task<core::Result<Reading>> read_by_http(net::Connector& connector, Spec spec, Placeholders values,
                                              core::Deadline deadline) {
  const HttpCall& call = std::get<HttpCall>(spec->read.call);
  auto request = prepare(*spec, call, values);
  if (!request) co_return cannot(request.error().detail);
  const Answer answer = co_await send(connector, std::move(*request), deadline);
  if (!answer.response) co_return cannot(first_line(answer.response.error().detail, answer.secrets));
  if (!is_expected(call, answer.response->status)) co_return cannot(told(*answer.response, answer.secrets));
  co_return reading_of(*spec, answer.response->body, answer.secrets);
}

net::Task<CallEnd> change_by_http(net::Connector& connector, Spec spec, Placeholders values, core::Deadline deadline) {
  const HttpCall& call = std::get<HttpCall>(spec->set);
  auto request = prepare(*spec, call, values);
  if (!request) co_return refused("nothing was sent: " + request.error().detail);
  const Answer answer = co_await send(connector, std::move(*request), deadline);
  if (!answer.response) co_return without_answer(answer);
  CallEnd end;
  end.how = is_expected(call, answer.response->status) ? CallEnd::How::done : meaning_of(answer.response->status);
  end.words = told(*answer.response, answer.secrets);
  co_return end;
}

}  // namespace tocsin::actions
