// Where the partitions begin and end: one request for all partitions of a leader, by librdkafka's look-up of offsets by
// time, which takes Kafka's special times (-1 the end, -2 the beginning) as well. It gives all or nothing, so leaders
// that do not answer are found out and asked apart.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "kafka/round.hpp"

namespace tocsin::probes::kafka {
namespace {

constexpr std::int64_t the_end = -1;
constexpr std::int64_t the_beginning = -2;

/// How long ago the ends of new partitions are asked for, the farthest first.
constexpr std::chrono::milliseconds past_points[] = {std::chrono::hours(1), std::chrono::minutes(5),
                                                     std::chrono::minutes(1)};

struct Asked {
  const Topic* topic = nullptr;
  Partition* partition = nullptr;
};
using Batch = std::vector<Asked>;

/// Asks one question about a batch of partitions; `take(asked, offset, error)` gets each answer.
template <class Take>
rd_kafka_resp_err_t ask(const Asking& asking, const Batch& batch, std::int64_t time, int timeout, Take take) {
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(batch.size())));
  for (const Asked& asked : batch) {
    rd_kafka_topic_partition_list_add(list.get(), asked.topic->name.c_str(), asked.partition->id)->offset = time;
  }
  const auto code = rd_kafka_offsets_for_times(asking.client(), list.get(), std::max(timeout, 1));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return code;
  // librdkafka answers in the order it was asked.
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto& answer = list->elems[i];
    if (answer.partition == batch[i].partition->id) take(batch[i], answer.offset, answer.err);
  }
  return code;
}

class OffsetsRound {
 public:
  OffsetsRound(const Asking& asking, const Plan& plan, Memory& memory, Snapshot& snapshot)
      : asking_(asking), plan_(plan), memory_(memory), snapshot_(snapshot) {}

  void run() {
    sort_out();
    const Batch healthy = all_of(false);
    if (!healthy.empty() && !ask_ends(healthy, memory_.sick.empty() && leaders_.size() == 1 ? 1 : 0.5))
      ask_apart(false);
    ask_apart(true);
    if (plan_.with_past) ask_past();
  }

 private:
  /// By leader; what has none that lives cannot be asked.
  void sort_out() {
    std::set<std::int32_t> alive;
    for (const Broker& broker : snapshot_.brokers) alive.insert(broker.id);
    for (Topic& topic : snapshot_.topics) {
      for (Partition& partition : topic.partitions) {
        if (alive.contains(partition.leader)) {
          leaders_[partition.leader].push_back({&topic, &partition});
        } else {
          partition.offset_error = part_error(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
        }
      }
    }
    std::erase_if(memory_.sick, [this](std::int32_t leader) { return !leaders_.contains(leader); });
  }
  [[nodiscard]] Batch all_of(bool sick) const {
    Batch all;
    for (const auto& [leader, batch] : leaders_) {
      if (memory_.sick.contains(leader) == sick) all.insert(all.end(), batch.begin(), batch.end());
    }
    return all;
  }

  /// Both ends of these partitions, in at most that part of the time. False if they could not be had together.
  bool ask_ends(const Batch& batch, double part) {
    const Asking bounded = asking_.within(part);
    const auto ends = ask(bounded, batch, the_end, bounded.part(1), [](const Asked& asked, auto offset, auto error) {
      asked.partition->offset_error = part_error(error);
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR && offset >= 0) asked.partition->newest = offset;
    });
    if (ends == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const auto begins =
          ask(bounded, batch, the_beginning, bounded.part(1), [](const Asked& asked, auto offset, auto error) {
            if (error == RD_KAFKA_RESP_ERR_NO_ERROR && offset >= 0) asked.partition->oldest = offset;
          });
      if (begins == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    }
    for (const Asked& asked : batch) {
      if (!asked.partition->newest) asked.partition->offset_error = part_error(ends);
    }
    return false;
  }

  /// Leader by leader, each with an equal part of the time that is left.
  void ask_apart(bool sick) {
    std::vector<std::int32_t> turn;
    for (const auto& [leader, batch] : leaders_) {
      if (memory_.sick.contains(leader) == sick && !done(batch)) turn.push_back(leader);
    }
    for (std::size_t i = 0; i < turn.size() && !asking_.over(); ++i) {
      const double part = 1.0 / static_cast<double>(turn.size() - i + 1);
      if (ask_ends(leaders_.at(turn[i]), part)) {
        memory_.sick.erase(turn[i]);
      } else {
        memory_.sick.insert(turn[i]);
      }
    }
  }
  [[nodiscard]] static bool done(const Batch& batch) {
    return std::ranges::all_of(batch,
                               [](const Asked& asked) { return asked.partition->newest && asked.partition->oldest; });
  }

  /// Once for each partition, and only where there is time enough: a history comes by itself as well.
  void ask_past() {
    Batch fresh;
    for (const auto& [leader, batch] : leaders_) {
      if (memory_.sick.contains(leader)) continue;
      for (const Asked& asked : batch) {
        if (asked.partition->newest && !known(asked)) fresh.push_back(asked);
      }
    }
    forget_topics();
    if (fresh.empty()) return;
    for (const auto ago : past_points) {
      if (asking_.over()) return;
      const core::TimePoint at = snapshot_.started_at - ago;
      const auto code = ask(asking_, fresh, core::to_millis(at), asking_.part(0.3),
                            [at](const Asked& asked, auto offset, auto error) {
                              if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return;
                              // Nothing was written since then: it ended where it ends now.
                              asked.partition->past.push_back({at, offset >= 0 ? offset : *asked.partition->newest});
                            });
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    }
    for (const Asked& asked : fresh) remember(asked);
  }
  [[nodiscard]] bool known(const Asked& asked) const {
    const auto found = memory_.past_known.find(asked.topic->name);
    const auto id = static_cast<std::size_t>(asked.partition->id);
    return found != memory_.past_known.end() && id < found->second.size() && found->second[id];
  }
  void remember(const Asked& asked) {
    auto& partitions = memory_.past_known[asked.topic->name];
    const auto id = static_cast<std::size_t>(asked.partition->id);
    if (partitions.size() <= id) partitions.resize(id + 1);
    partitions[id] = true;
  }
  void forget_topics() {
    if (memory_.past_known.size() <= snapshot_.topics.size()) return;
    std::erase_if(memory_.past_known, [this](const auto& known) {
      return !std::ranges::binary_search(snapshot_.topics, known.first, {}, &Topic::name);
    });
  }

  const Asking& asking_;
  const Plan& plan_;
  Memory& memory_;
  Snapshot& snapshot_;
  std::map<std::int32_t, Batch> leaders_;
};

}  // namespace

void ask_offsets(const Asking& asking, const Plan& plan, Memory& memory, Snapshot& into) {
  OffsetsRound(asking, plan, memory, into).run();
}

}  // namespace tocsin::probes::kafka
