#include "message.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>
#include <utility>

#include "tocsin/core/duration.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::alerts {

std::string quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

void write_labels(std::string& out, const core::Labels& labels) {
  out += '{';
  for (const core::Label& label : labels) {
    if (out.back() != '{') out += ',';
    out += quoted(label.name) + ':' + quoted(label.value);
  }
  out += '}';
}

std::string generator_url(std::string_view external_url, std::string_view expression) {
  while (external_url.ends_with('/')) external_url.remove_suffix(1);
  std::string url(external_url);
  url += "/graph?g0.expr=";
  url += net::percent_encode(expression);
  url += "&g0.tab=1";
  return url;
}

core::Labels with_external(core::Labels labels, const core::Labels& external) {
  for (const core::Label& label : external) {
    if (!labels.has(label.name)) labels.set(label.name, label.value);
  }
  return labels;
}

MessagePtr make_message(const core::AlertChange& change, const core::Labels& external, std::string_view external_url) {
  const core::Alert& alert = change.alert;
  auto message = std::make_shared<Message>();
  message->labels = with_external(alert.labels, external);
  message->hash = message->labels.hash();
  message->own = alert.labels;
  message->kind = change.kind;
  message->at = change.at;
  message->number = change.number;
  std::string& json = message->json;
  json = "{\"labels\":";
  write_labels(json, message->labels);
  json += ",\"annotations\":";
  write_labels(json, alert.annotations);
  json += ",\"startsAt\":\"" + core::format_rfc3339(alert.fired_at.value_or(alert.active_at));
  json += "\",\"endsAt\":\"" + core::format_rfc3339(alert.resolved_at.value_or(alert.valid_until));
  json += "\",\"generatorURL\":" + quoted(generator_url(external_url, alert.expression)) + '}';
  return message;
}

std::string make_body(std::span<const MessagePtr> messages) {
  std::size_t size = 2;
  for (const MessagePtr& message : messages) size += message->json.size() + 1;
  std::string body;
  body.reserve(size);
  body += '[';
  for (const MessagePtr& message : messages) {
    if (body.size() > 1) body += ',';
    body += message->json;
  }
  body += ']';
  return body;
}

}  // namespace tocsin::alerts
