// The routes of the HTTP interface, on the port and on the local socket.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "src/api.hpp"
#include "src/api_actions.hpp"
#include "src/api_explain.hpp"
#include "src/api_orders.hpp"
#include "src/exposition.hpp"
#include "src/judge.hpp"
#include "src/lane.hpp"
#include "src/metadata_book.hpp"
#include "src/own_metrics.hpp"
#include "src/port_guard.hpp"
#include "src/status_page.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/loop.hpp"

namespace tocsin::daemon {

/// What came of a reload that somebody asked for.
struct ReloadResult {
  bool good = false;
  std::string message;  // the errors, rendered; or what was changed
};

struct WebSources {
  std::function<core::TimePoint()> clock;
  std::function<bool()> ready;
  std::function<bool()> lifecycle_enabled;
  std::function<PageData()> page;
  std::function<ActionsView()> actions;                                        // without the recent rows
  std::function<std::vector<core::ActionRecord>(std::size_t)> recent_actions;  // may block: called on the pool
  HistorySource history;                                                       // as well
  std::function<GroupSpecs()> rules;                                           // that are in force
  std::function<net::Task<actions::OrderResult>(actions::Order)> order;
  std::function<net::Task<std::vector<actions::Plan>>()> plan;
  std::function<net::Task<std::optional<std::string>>(std::uint32_t uid)> user_name;
  std::function<std::string()> external_url;
  std::function<net::Task<ReloadResult>()> reload;
  /// A job reports: its name, and all that it said.
  std::function<net::Task<net::ServerResponse>(std::string, net::ServerRequest)> push;
  std::function<net::Task<net::ServerResponse>(net::ServerRequest, const Metadata&)> probe;
};

class Web {
 public:
  Web(net::Loop& loop, net::BlockingPool& pool, PortGuard& guard, Judge& judge, OwnMetrics& metrics,
      MetadataBook& metadata, WebSources sources);
  /// The handler for net::HttpServer. The Web must outlive the server.
  [[nodiscard]] net::Task<net::ServerResponse> handle(net::ServerRequest request);

 private:
  /// `user` is who logged in on the port; empty where nobody has to, and on the local socket.
  [[nodiscard]] net::Task<net::ServerResponse> admit(net::ServerRequest request);
  [[nodiscard]] net::Task<net::ServerResponse> route(net::ServerRequest request, std::string user);
  [[nodiscard]] net::Task<net::ServerResponse> order(actions::Order::Kind kind, net::ServerRequest request,
                                                     std::string user);
  [[nodiscard]] net::Task<net::ServerResponse> plan(net::ServerRequest request, std::string user);
  [[nodiscard]] net::Task<net::ServerResponse> page();
  [[nodiscard]] net::Task<net::ServerResponse> on_pool(std::function<net::ServerResponse()> work);
  [[nodiscard]] net::Task<net::ServerResponse> reload(net::ServerRequest request);
  /// What answers one of Prometheus's queries, to be run on the pool; nothing for other paths.
  [[nodiscard]] std::function<net::ServerResponse()> query(const net::ServerRequest& request);
  [[nodiscard]] net::ServerResponse metrics_page();

  net::Loop& loop_;
  net::BlockingPool& pool_;
  PortGuard& guard_;
  Judge& judge_;
  OwnMetrics& metrics_;
  WebSources sources_;
  MetadataBook& metadata_;
  Exposition exposition_;
};

}  // namespace tocsin::daemon
