// What is the same at the end of every probe under blackbox_exporter's names.
#pragma once

#include <utility>

#include "src/blackbox_series.hpp"
#include "src/reach.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

/// A target's rows from probe to probe.
template <class Series>
struct Rows {
  Series series;
  CommonMetrics common;
  core::SeriesTable table;
};

/// Makes the observation of what a probe saw. A `Sight` has at least `failure`, `lookup` and `address`; it is used up.
template <class Sight, class Series>
[[nodiscard]] core::Observation observe(const Identity& identity, const ProbeStart& start, core::Deadline began,
                                        Sight& sight, Rows<Series>& rows) {
  core::Observation observation;
  observation.target = identity.target;
  observation.at = start.at;
  observation.took = steady_now() - began;
  if (sight.failure) {
    observation.outcome = sight.failure->outcome;
    observation.phase = sight.failure->phase;
    observation.detail = std::move(sight.failure->detail);
  }
  Ending ending;
  ending.good = observation.good();
  ending.took = observation.took;
  ending.timeout = start.deadline - began;
  ending.lookup = sight.lookup;
  ending.address = sight.address;
  rows.table.begin();
  rows.series.append(rows.table, sight, ending);
  rows.common.append(rows.table, observation.outcome, observation.took);
  observation.batch = rows.table.take();
  return observation;
}

}  // namespace tocsin::probes
