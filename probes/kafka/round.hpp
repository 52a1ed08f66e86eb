// One round of questions to a cluster. It blocks: metadata, groups, commits, and the ends of the partitions at last.
#pragma once

#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "kafka/asking.hpp"
#include "kafka/pattern.hpp"
#include "kafka/snapshot.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::probes::kafka {

/// What is asked for.
struct Plan {
  NamePatterns topics;
  NamePatterns groups;
  bool with_offsets = true;
  bool with_groups = true;
  bool with_past = true;  // the time index is asked about partitions that are new
  std::size_t max_partitions = 100'000;
  std::size_t max_groups = 10'000;
};

/// What one round leaves to the next.
struct Memory {
  std::set<std::int32_t> sick;  // leaders that did not answer: asked apart from the others, and last
  std::unordered_map<std::string, std::vector<bool>> past_known;  // topics, and which of their partitions
};

/// Brokers and topics. It fails when no broker answers: that is what a cluster that is down does. `phase` tells those
/// who watch how far it came.
[[nodiscard]] core::Result<void> ask_metadata(const Asking& asking, const Plan& plan, std::atomic<core::Phase>& phase,
                                              Snapshot& into);
/// Groups, their members and commits. What fails is noted in the snapshot.
void ask_groups(const Asking& asking, const Plan& plan, Snapshot& into);
/// Where partitions begin and end, and for new ones where they ended some time ago. Of the leaders that do not answer
/// the partitions are left without.
void ask_offsets(const Asking& asking, const Plan& plan, Memory& memory, Snapshot& into);

/// All of it. `at` is the wall clock's time at the start.
[[nodiscard]] core::Result<Snapshot> ask_all(Client& client, const Plan& plan, Memory& memory, core::TimePoint at,
                                             core::Deadline deadline, std::atomic<core::Phase>& phase);

}  // namespace tocsin::probes::kafka
