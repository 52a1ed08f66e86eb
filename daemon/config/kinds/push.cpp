#include "config/kinds/push.hpp"

#include <algorithm>

#include "config/kinds/kind.hpp"

namespace tocsin::daemon {

using core::field;
using model::PushKeys;

namespace {

std::vector<core::Field<PushKeys>> push_rows() {
  return {
      field("expect_every", &PushKeys::expect_every)
          .doc("How often the job reports at least: silence for longer is a failure.")
          .least(core::Duration{1000}),
      field("token", &PushKeys::token, core::secret_text())
          .doc("What the job must show (`Authorization: Bearer ...`). Without one it is heard from this host alone."),
      field("token_file", &PushKeys::token, core::secret_file()).doc("A file that holds the token."),
  };
}

void check_push(const model::Probe& probe, const Loading& loading) {
  loading.check_secret(probe.push.token, probe.place, "token_file");
}

bool make_push(const Making& making, const std::string& text, TargetConfig& target) {
  constexpr std::string_view scheme = "push://";
  const std::string name = text.starts_with(scheme) ? text.substr(scheme.size()) : text;
  const bool plain = !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
  if (!plain) return making.wrong("a job that reports has a name of letters, digits, -, _ and .: push://NAME");
  if (!making.probe.push.expect_every) return making.wrong("a push probe needs \"expect_every\"");
  probes::PushOptions options;
  options.name = name;
  options.expect_every = *making.probe.push.expect_every;
  options.token = making.probe.push.token;
  options.rules = making.probe.scrape.rules();
  options.max_series = static_cast<std::size_t>(making.probe.redis.max_series.value_or(10'000));
  // A report is looked at when it comes.
  target.sentinel = true;
  target.display = "push://" + name;
  target.labels.set("instance", name);
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
  return true;
}

}  // namespace

Kind push_kind() {
  Kind kind;
  kind.name = "push";
  kind.schemes = {"push"};
  kind.fields = core::fields_of(&model::Probe::push, push_rows());
  kind.also = {"honor_labels", "metric_relabel_configs",  "sample_limit",
               "label_limit",  "label_name_length_limit", "label_value_length_limit",
               "max_series"};
  kind.exclusive = {{"token", "token_file"}};
  kind.check = check_push;
  kind.make = make_push;
  return kind;
}

}  // namespace tocsin::daemon
