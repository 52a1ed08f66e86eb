#include "webhook.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "message.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::alerts {
namespace {

constexpr std::string_view note_name = "tocsin_fallback";
constexpr std::string_view never = "0001-01-01T00:00:00Z";

/// The labels that all of them have, with the same value.
core::Labels common_of(const std::vector<core::Labels>& all) {
  if (all.empty()) return {};
  core::Labels common = all.front();
  for (const core::Labels& labels : all) {
    const core::Labels before = common;
    for (const core::Label& label : before) {
      if (labels.get(label.name) != label.value) common.erase(label.name);
    }
  }
  return common;
}

void write_alert(std::string& out, const core::Alert& alert, const core::Labels& labels,
                 const core::Labels& annotations, const std::string& external_url) {
  const bool resolved = alert.resolved_at.has_value();
  out += resolved ? "{\"status\":\"resolved\",\"labels\":" : "{\"status\":\"firing\",\"labels\":";
  write_labels(out, labels);
  out += ",\"annotations\":";
  write_labels(out, annotations);
  out += ",\"startsAt\":\"" + core::format_rfc3339(alert.fired_at.value_or(alert.active_at)) + "\",\"endsAt\":\"";
  out += resolved ? core::format_rfc3339(*alert.resolved_at) : std::string(never);
  out += "\",\"generatorURL\":" + quoted(generator_url(external_url, alert.expression));
  out += ",\"fingerprint\":\"" + fingerprint(labels) + "\"}";
}

}  // namespace

// FNV-1a over names and values, in order, each ended by a byte that is in no UTF-8 text.
std::string fingerprint(const core::Labels& labels) {
  std::uint64_t hash = 14695981039346656037ULL;
  const auto add = [&hash](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    hash = (hash ^ 0xffU) * 1099511628211ULL;
  };
  for (const core::Label& label : labels) {
    add(label.name);
    add(label.value);
  }
  std::string text(16, '0');
  for (std::size_t i = 0; i < text.size(); ++i) text[15 - i] = "0123456789abcdef"[(hash >> (4 * i)) & 0xfU];
  return text;
}

std::string webhook_body(std::span<const core::AlertChange> changes, const WebhookText& text) {
  const std::size_t cut = changes.size() - std::min(changes.size(), most_webhook_alerts);
  changes = changes.first(changes.size() - cut);
  std::vector<core::Labels> labels;
  std::vector<core::Labels> annotations;
  bool firing = false;
  for (const core::AlertChange& change : changes) {
    labels.push_back(with_external(change.alert.labels, text.external_labels));
    annotations.push_back(change.alert.annotations);
    annotations.back().set(note_name, text.note);
    firing = firing || !change.alert.resolved_at;
  }
  core::Labels group;
  if (!changes.empty()) group.set("alertname", changes.front().alert.labels.get("alertname"));

  std::string out = "{\"receiver\":\"tocsin-fallback\",\"status\":";
  out += firing ? "\"firing\"" : "\"resolved\"";
  out += ",\"alerts\":[";
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (i > 0) out += ',';
    write_alert(out, changes[i].alert, labels[i], annotations[i], text.external_url);
  }
  out += "],\"groupLabels\":";
  write_labels(out, group);
  out += ",\"commonLabels\":";
  write_labels(out, common_of(labels));
  out += ",\"commonAnnotations\":";
  write_labels(out, common_of(annotations));
  out += ",\"externalURL\":" + quoted(text.external_url);
  out += ",\"version\":\"4\",\"groupKey\":" + quoted("tocsin-fallback:{}:" + group.to_string());
  out += ",\"truncatedAlerts\":" + std::to_string(cut) + "}";
  return out;
}

}  // namespace tocsin::alerts
