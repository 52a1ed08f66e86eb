#include "src/api_history.hpp"

#include <fmt/format.h>

#include <optional>

#include "src/api.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::size_t most = 10'000;

/// The query, or what is wrong with it.
std::string read_query(const net::ServerRequest& request, core::TimePoint now, state::HistoryQuery& query) {
  for (const auto& [name, into] : {std::pair("since", &query.since), std::pair("until", &query.until)}) {
    const std::string text = api_parameter(request, name);
    if (text.empty()) continue;
    *into = parse_moment(text, now);
    if (!*into) return fmt::format("\"{}\" is a time or a duration such as 24h, not \"{}\"", name, text);
  }
  if (const std::string kind = api_parameter(request, "kind"); !kind.empty()) {
    query.kind = core::history_kind(kind);
    if (!query.kind) return fmt::format("\"kind\" is alert, delivery, suppression or daemon, not \"{}\"", kind);
  }
  query.subject = api_parameter(request, "subject");
  if (const std::string limit = api_parameter(request, "limit"); !limit.empty()) {
    const auto number = core::parse_number<std::size_t>(limit);
    if (!number || *number == 0 || *number > most) return fmt::format("\"limit\" is a number from 1 to {}", most);
    query.limit = *number;
  }
  return {};
}

}  // namespace

std::optional<core::TimePoint> parse_moment(const std::string& text, core::TimePoint now) {
  if (const auto time = parse_api_time(text)) return time;
  if (const auto ago = core::parse_duration(text)) return now - *ago;
  return std::nullopt;
}

void write_record(JsonWriter& json, const core::HistoryRecord& record) {
  json.begin_object().key("at").string(core::format_rfc3339(record.at)).key("kind").string(to_string(record.kind));
  json.key("event").string(record.event).key("subject").string(record.subject).key("labels").labels(record.labels);
  json.key("detail").string(record.detail).end_object();
}

std::string history_text(const std::vector<core::HistoryRecord>& records) {
  std::string out;
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    out += fmt::format("{}  {:<11} {:<10} {}{}{}\n", core::format_rfc3339(record->at), to_string(record->kind),
                       record->event, record->labels.empty() ? record->subject : record->labels.to_string(),
                       record->detail.empty() ? "" : "  ", record->detail);
  }
  return out.empty() ? "nothing happened\n" : out;
}

net::ServerResponse api_history(const net::ServerRequest& request, const HistorySource& source, core::TimePoint now) {
  state::HistoryQuery query;
  if (const std::string wrong = read_query(request, now, query); !wrong.empty()) return api_error("bad_data", wrong);
  const auto records = source(query);
  if (!records) return api_error("execution", records.error().detail);
  if (api_parameter(request, "format") == "text") {
    net::ServerResponse response;
    response.content_type = "text/plain; charset=utf-8";
    response.body = history_text(*records);
    return response;
  }
  JsonWriter json;
  json.begin_object().key("history").begin_array();
  for (const core::HistoryRecord& record : *records) write_record(json, record);
  json.end_array().end_object();
  return api_success(json.take());
}

}  // namespace tocsin::daemon
