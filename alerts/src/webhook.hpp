// What Alertmanager POSTs to a webhook (version 4 of its format), made by us when no Alertmanager does it. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::alerts {

inline constexpr std::size_t most_webhook_alerts = 100;

struct WebhookText {
  core::Labels external_labels;
  std::string external_url;
  std::string note;  // an annotation of every alert: that, and why, this does not come from Alertmanager
};

/// The newest states of alerts with one name. More than 100 are cut, and how many is said, as Alertmanager does it.
[[nodiscard]] std::string webhook_body(std::span<const core::AlertChange> changes, const WebhookText& text);
/// Alertmanager's name for a set of labels: 16 hexadecimal digits.
[[nodiscard]] std::string fingerprint(const core::Labels& labels);

}  // namespace tocsin::alerts
