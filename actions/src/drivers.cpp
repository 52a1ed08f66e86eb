#include "src/drivers.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "src/driver.hpp"
#include "src/extract.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::actions {
namespace {

bool fits_its_type(const ActionSpec& spec, const std::string& value) {
  if (spec.count) return core::parse_number<std::int64_t>(value).has_value();
  return std::find(spec.ladder.begin(), spec.ladder.end(), value) != spec.ladder.end();
}

}  // namespace

core::Failure cannot(std::string words) {
  return core::Failure{core::Outcome::unexpected, core::Phase::none, std::move(words)};
}
CallEnd refused(std::string words) { return CallEnd{CallEnd::How::refused, std::move(words)}; }
CallEnd unclear(std::string words) { return CallEnd{CallEnd::How::unclear, std::move(words)}; }

core::Result<Reading> reading_of(const ActionSpec& spec, std::string_view output, const Secrets& secrets) {
  auto value = extract(spec.read.value, output);
  if (!value) return cannot(first_line(value.error().detail, secrets));
  Reading reading;
  reading.value = fits_its_type(spec, *value) ? std::move(*value) : first_line(*value, secrets);
  if (!spec.read.ready) return reading;
  const auto& [how, wanted] = *spec.read.ready;
  const auto found = extract(how, output);
  if (!found) return cannot("whether it is ready: " + first_line(found.error().detail, secrets));
  reading.ready = *found == wanted;
  if (!reading.ready) reading.not_ready = first_line(*found, secrets) + " instead of " + wanted;
  return reading;
}

net::Task<core::Result<Reading>> read_target(net::Connector& connector, Spec spec, core::Labels labels,
                                             core::Deadline deadline) {
  Placeholders values;
  values.target = spec->target;
  values.labels = std::move(labels);
  const Call& call = spec->read.call;
  if (std::string why = unfit(*spec, call, values); !why.empty()) co_return cannot(std::move(why));
  if (std::holds_alternative<ExecCall>(call)) co_return co_await read_by_exec(spec, std::move(values), deadline);
  if (std::holds_alternative<HttpCall>(call))
    co_return co_await read_by_http(connector, spec, std::move(values), deadline);
  co_return co_await read_by_kubernetes(connector, spec, std::move(values), deadline);
}

net::Task<CallEnd> make_change(net::Connector& connector, Spec spec, Permit permit, core::Deadline deadline) {
  Placeholders values;
  values.from = permit.change().from;
  values.to = permit.change().to;
  values.target = spec->target;
  values.id = permit.id();
  values.key = permit.key();
  values.labels = permit.labels();
  const Call& call = spec->set;
  if (std::string why = unfit(*spec, call, values); !why.empty()) co_return refused(std::move(why));
  if (std::holds_alternative<ExecCall>(call)) co_return co_await change_by_exec(spec, std::move(values), deadline);
  if (std::holds_alternative<HttpCall>(call))
    co_return co_await change_by_http(connector, spec, std::move(values), deadline);
  co_return co_await change_by_kubernetes(connector, spec, std::move(values), permit.version(), deadline);
}

}  // namespace tocsin::actions
