#include "message.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>
#include <utility>

#include "tocsin/core/duration.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::alerts {
namespace {

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

std::string generator_url(std::string_view external_url, const std::string& expression) {
  while (external_url.ends_with('/')) external_url.remove_suffix(1);
  return std::string(external_url) + "/graph?g0.expr=" + net::percent_encode(expression) + "&g0.tab=1";
}

}  // namespace

core::Labels with_external(core::Labels labels, const core::Labels& external) {
  for (const core::Label& label : external) {
    if (!labels.has(label.name)) labels.set(label.name, label.value);
  }
  return labels;
}

MessagePtr make_message(const core::Alert& alert, const core::Labels& external, std::string_view external_url) {
  auto message = std::make_shared<Message>();
  message->labels = with_external(alert.labels, external);
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
