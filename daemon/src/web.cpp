#include "src/web.hpp"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "src/api_explain.hpp"
#include "src/offload.hpp"
#include "src/push_route.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::chrono::minutes answer_within{2};
constexpr std::chrono::seconds rows_within{2};
constexpr std::size_t rows_on_page = 50, rows_answered = 100;
constexpr std::size_t rows_searched = 5'000;  // for those of one action

net::ServerResponse text(unsigned status, std::string body) {
  net::ServerResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

bool reading(const net::ServerRequest& request) { return request.method == "GET" || request.method == "HEAD"; }

void harden(net::ServerResponse& response) {
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Content-Security-Policy",
                                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  response.headers.emplace_back("Cache-Control", "no-store");
}

}  // namespace

Web::Web(net::Loop& loop, net::BlockingPool& pool, PortGuard& guard, Judge& judge, OwnMetrics& metrics,
         MetadataBook& metadata, WebSources sources)
    : loop_(loop),
      pool_(pool),
      guard_(guard),
      judge_(judge),
      metrics_(metrics),
      sources_(std::move(sources)),
      metadata_(metadata) {}

net::Task<net::ServerResponse> Web::handle(net::ServerRequest request) {
  net::ServerResponse response = co_await admit(std::move(request));
  metrics_.http_request(response.status);
  harden(response);
  co_return response;
}

net::Task<net::ServerResponse> Web::admit(net::ServerRequest request) {
  std::string user;
  const bool open = request.peer == "local" || request.path == "/-/healthy" || request.path == "/-/ready";
  if (!open && guard_.wants_login()) {
    std::string given(net::header(request.headers, "Authorization"));
    PortGuard::Admission admission = co_await guard_.admit(std::move(given));
    if (admission.refusal) co_return std::move(*admission.refusal);
    user = std::move(admission.user);
  }
  co_return co_await route(std::move(request), std::move(user));
}

net::Task<net::ServerResponse> Web::order(actions::Order::Kind kind, net::ServerRequest request, std::string user) {
  OrderContext context;
  context.port_has_users = guard_.wants_login();
  context.port_user = std::move(user);
  context.own_uid = ::geteuid();
  context.external_url = sources_.external_url();
  if (auto refusal = order_refusal(request, context)) co_return std::move(*refusal);
  auto order = read_order(kind, request.body);
  if (const auto* wrong = std::get_if<std::string>(&order)) co_return api_error("bad_data", *wrong);
  std::optional<std::string> name;
  if (request.uid) name = co_await sources_.user_name(*request.uid);
  auto& said = std::get<actions::Order>(order);
  said.by = order_giver(request, context, name);
  const actions::OrderResult result = co_await sources_.order(std::move(said));
  co_return order_answer(result);
}

// It runs the commands that read the platform: not for everybody who reaches the port.
net::Task<net::ServerResponse> Web::plan(net::ServerRequest request, std::string user) {
  if (request.peer != "local" && user.empty()) {
    net::ServerResponse refusal = api_error("forbidden",
                                            "a plan reads the platform: on this port it is made only for users that "
                                            "log in (web.config_file); on the host ask over the local socket");
    refusal.status = 403;
    co_return refusal;
  }
  std::vector<actions::Plan> plans = co_await sources_.plan();
  co_return api_plan(request, std::move(plans));
}

net::Task<net::ServerResponse> Web::on_pool(std::function<net::ServerResponse()> work) {
  const auto deadline = std::chrono::steady_clock::now() + answer_within;
  std::optional<net::ServerResponse> response = co_await offload(loop_, pool_, std::move(work), deadline);
  if (!response) co_return api_error("timeout", "too many queries wait, or the query took too long");
  co_return std::move(*response);
}

net::ServerResponse Web::metrics_page() {
  net::ServerResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  const auto metadata = metadata_.page();
  const auto now = sources_.clock();
  response.body = exposition_.expose(judge_.snapshot(), metadata->table, now, metadata->version, metrics_.text());
  return response;
}

net::Task<net::ServerResponse> Web::reload(net::ServerRequest request) {
  if (request.method != "POST" && request.method != "PUT") co_return text(405, "Only POST or PUT requests allowed\n");
  if (request.peer != "local" && !sources_.lifecycle_enabled()) {
    co_return text(
        403,
        "Reloading over HTTP is not enabled (set web.enable_lifecycle: true, or use `tocsin reload` on the host).\n");
  }
  const ReloadResult result = co_await sources_.reload();
  co_return text(result.good ? 200 : 500, result.message);
}

/// Where the disk or the pool is slow the page does without the newest rows, and not the other way round.
net::Task<net::ServerResponse> Web::page() {
  using Rows = std::vector<core::ActionRecord>;
  std::function<Rows()> work = [this] { return sources_.recent_actions(rows_on_page); };
  const auto deadline = std::chrono::steady_clock::now() + rows_within;
  std::optional<Rows> rows = co_await offload(loop_, pool_, std::move(work), deadline);
  PageData data = sources_.page();
  if (rows) data.recent = std::move(*rows);
  net::ServerResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.body = status_page(data);
  co_return response;
}

std::function<net::ServerResponse()> Web::query(const net::ServerRequest& request) {
  const std::string& path = request.path;
  constexpr std::string_view label = "/api/v1/label/", values = "/values";
  if (path == "/api/v1/query")
    return [this, request] { return api_query(request, judge_.snapshot(), sources_.clock()); };
  if (path == "/api/v1/query_range") return [this, request] { return api_query_range(request, judge_.snapshot()); };
  if (path == "/api/v1/series") return [this, request] { return api_series(request, judge_.snapshot()); };
  if (path == "/api/v1/labels") return [this, request] { return api_labels(request, judge_.snapshot()); };
  if (path == "/api/v1/tocsin/history")
    return [this, request] { return api_history(request, sources_.history, sources_.clock()); };
  if (path == "/api/v1/tocsin/explain") {
    return [this, request, groups = sources_.rules()] {
      const ExplainSources sources{groups, judge_.groups(), judge_.snapshot(), sources_.history};
      return api_explain(request, sources, sources_.clock());
    };
  }
  if (path == "/api/v1/metadata") return [this, request] { return api_metadata(request, metadata_.page()->table); };
  if (path.starts_with(label) && path.ends_with(values) && path.size() > label.size() + values.size()) {
    const std::string name = path.substr(label.size(), path.size() - label.size() - values.size());
    return [this, request, name] { return api_label_values(request, name, judge_.snapshot()); };
  }
  return {};
}

net::Task<net::ServerResponse> Web::route(net::ServerRequest request, std::string user) {
  const std::string path = request.path;
  if (const auto kind = order_of_path(path)) co_return co_await order(*kind, std::move(request), std::move(user));
  if (path == "/-/reload") co_return co_await reload(std::move(request));
  if (auto job = pushed_job(path)) co_return co_await sources_.push(std::move(*job), std::move(request));
  if (reading(request) || request.method == "POST") {
    if (auto work = query(request)) co_return co_await on_pool(std::move(work));
  }
  if (!reading(request)) co_return text(405, "Method Not Allowed\n");
  if (path == "/metrics") {
    std::function<net::ServerResponse()> work = [this] { return metrics_page(); };
    co_return co_await on_pool(std::move(work));
  }
  if (path == "/probe" || path == "/scrape") {
    const auto metadata = metadata_.page();
    co_return co_await sources_.probe(std::move(request), metadata->table);
  }
  if (path == "/") co_return co_await page();
  if (path == "/graph") {
    // Alerts' generator URLs have Prometheus's form; what they lead to is the expression's present value.
    net::ServerResponse response = text(302, "");
    response.headers.emplace_back(
        "Location", "/api/v1/query?query=" + net::percent_encode(net::query_parameter(request.query, "g0.expr")));
    co_return response;
  }
  if (path == "/-/healthy") co_return text(200, "tocsin is healthy.\n");
  if (path == "/-/ready") {
    const bool ready = sources_.ready();
    co_return text(ready ? 200 : 503, ready ? "tocsin is ready.\n" : "tocsin is starting.\n");
  }
  if (path == "/api/v1/alerts") co_return api_alerts(judge_.groups());
  if (path == "/api/v1/rules") co_return api_rules(request, judge_.groups());
  if (path == "/api/v1/targets") co_return api_targets(sources_.page().targets);
  if (path == "/api/v1/status/buildinfo") co_return api_build_info();
  if (path == "/api/v1/tocsin/actions/plan") co_return co_await plan(std::move(request), std::move(user));
  if (path == "/api/v1/tocsin/actions") {
    std::function<net::ServerResponse()> work = [this, request, view = sources_.actions()]() mutable {
      view.recent = sources_.recent_actions(api_parameter(request, "action").empty() ? rows_answered : rows_searched);
      return api_actions(request, std::move(view));
    };
    co_return co_await on_pool(std::move(work));
  }
  co_return text(404, "404 page not found\n");
}

}  // namespace tocsin::daemon
