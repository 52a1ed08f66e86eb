#include "src/rule_test_platform.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tocsin/core/duration.hpp"

namespace tocsin::daemon {

using actions::CallEnd;

RuleTestPlatform::RuleTestPlatform(const RuleTest& test) : test_(test) {
  for (const auto& [target, value] : test.platform) values_[target].present = value;
}

RuleTestPlatform::Value* RuleTestPlatform::find(const actions::ActionSpec& spec, core::TimePoint now) {
  // What others do comes in as time goes on; the file has it in the order of time.
  for (; next_drift_ < test_.drifts.size(); ++next_drift_) {
    const TestDrift& drift = test_.drifts[next_drift_];
    if (test_.start + drift.at > now) break;
    values_.insert_or_assign(drift.target, Value{drift.to, {}, {}});
  }
  auto found = values_.find(spec.name);
  if (found == values_.end()) found = values_.find(spec.target);
  if (found == values_.end()) return nullptr;
  Value& value = found->second;
  if (value.comes && *value.comes <= now) {
    value.present = std::move(value.coming);
    value.comes.reset();
  }
  return &value;
}

bool RuleTestPlatform::has_fault(TestFault::Kind kind, const std::string& target, core::TimePoint now) const {
  return std::any_of(test_.faults.begin(), test_.faults.end(), [&](const TestFault& fault) {
    return fault.kind == kind && fault.target == target && test_.start + fault.from <= now &&
           (!fault.to || now < test_.start + *fault.to);
  });
}

core::Result<actions::Reading> RuleTestPlatform::read(const actions::ActionSpec& spec, core::TimePoint now) {
  const auto cannot = [](std::string why) {
    return core::Failure{core::Outcome::unexpected, core::Phase::none, std::move(why)};
  };
  if (has_fault(TestFault::Kind::unreadable, spec.target, now)) return cannot("the platform cannot be read (a fault)");
  const Value* const value = find(spec, now);
  if (value == nullptr) {
    return cannot(
        fmt::format("the test does not say what {} is (write platform: {{{}: ...}})", spec.target, spec.target));
  }
  actions::Reading reading;
  reading.value = value->present;
  reading.ready = !has_fault(TestFault::Kind::not_ready, spec.target, now);
  if (!reading.ready) reading.not_ready = "a fault";
  return reading;
}

std::pair<CallEnd, core::Duration> RuleTestPlatform::change(const actions::ActionSpec& spec,
                                                            const actions::Change& change, core::TimePoint now) {
  using Kind = TestFault::Kind;
  const auto has = [&](Kind kind) { return has_fault(kind, spec.target, now); };
  Value* const value = find(spec, now);
  if (value == nullptr || has(Kind::fail)) return {{CallEnd::How::refused, "the platform refused (a fault)"}, {}};
  if (!has(Kind::hang) && !has(Kind::lie)) {
    value->coming = change.to;
    value->comes = now + spec.provisioning;
  }
  if (has(Kind::hang) || has(Kind::lose)) {
    const std::string words = fmt::format("no answer within {} (a fault)", core::format_duration(spec.timeout));
    return {{CallEnd::How::unclear, words}, spec.timeout};
  }
  return {{CallEnd::How::done, "done"}, {}};
}

}  // namespace tocsin::daemon
