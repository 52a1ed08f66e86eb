// The driver: keeps the client, the deadline and the watch. What blocks runs on a thread of its own; the loop waits for
// its end and for what the client reports of its own accord, on one descriptor.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kafka/client.hpp"
#include "kafka/knock.hpp"
#include "kafka/metric.hpp"
#include "kafka/round.hpp"
#include "kafka/series.hpp"
#include "tocsin/net/readiness.hpp"
#include "tocsin/probes/kafka.hpp"

namespace tocsin::probes {
namespace kafka {
namespace {

using core::Outcome;
using core::Phase;
using Clock = std::chrono::steady_clock;  // waits and durations only; the samples' time is an argument

/// The round ends a little before the probe does, so that what it has by then is given.
constexpr std::chrono::milliseconds margin{20};

/// One round, shared by the loop and the thread that does it.
struct Job {
  ProbeStart start;
  std::atomic<Phase> phase = Phase::connect;
  std::atomic<bool> done = false;
  core::Result<Snapshot> result = core::Failure{};  // the loop's once `done` is set
};

/// A client and the watch on it. Lives on the loop.
struct Kept {
  explicit Kept(const net::Executor& executor) : client(std::make_shared<Client>()), readiness(executor) {}
  std::shared_ptr<Client> client;
  net::Readiness readiness;     // goes before the client
  std::vector<Broker> brokers;  // as they were in the last round
  bool outdated = false;        // it knows of brokers that are no more
};

class KafkaProber final : public Prober {
 public:
  KafkaProber(net::Connector& connector, net::Executor executor, Identity identity, KafkaOptions options)
      : connector_(connector),
        executor_(std::move(executor)),
        identity_(std::move(identity)),
        options_(std::make_shared<const KafkaOptions>(std::move(options))),
        plan_(std::make_shared<const Plan>(make_plan(*options_))),
        memory_(std::make_shared<Memory>()),
        // Twice: series that ended keep their slots for a while. And room for what is said of the whole.
        table_(2 * options_->max_series + 1000, core::SeriesTable::usual_forget_after, identity_.texts),
        series_(identity_.base, series_options(*options_)),
        common_(identity_.base) {}
  ~KafkaProber() override { drop(); }

  [[nodiscard]] net::Task<core::Observation> probe(ProbeStart start) override;
  [[nodiscard]] bool has_sentinel() const override { return kept_ != nullptr; }
  [[nodiscard]] net::Task<bool> watch() override;
  void stop_watching() override {
    if (kept_) kept_->readiness.stop();
  }
  void close() override { drop(); }

 private:
  static Plan make_plan(const KafkaOptions& options);
  static SeriesOptions series_options(const KafkaOptions& options);

  [[nodiscard]] net::Task<core::Result<Snapshot>> ask(ProbeStart start);
  [[nodiscard]] net::Task<core::Result<Snapshot>> wait_for(std::shared_ptr<Job> job, std::shared_ptr<Kept> kept);
  [[nodiscard]] bool weigh(const std::vector<Trouble>& troubles);
  [[nodiscard]] core::Failure explain(const Job& job) const;
  [[nodiscard]] bool news(const std::vector<Trouble>& troubles);
  [[nodiscard]] core::Failure too_late(const Job& job) const;
  void note_brokers(const Snapshot& snapshot);
  [[nodiscard]] const char* hint(Outcome outcome) const;
  [[nodiscard]] std::string missing(const Snapshot& snapshot) const;
  [[nodiscard]] std::string clean(std::string detail) const;
  void submit(std::shared_ptr<Job> job, std::shared_ptr<Client> client);
  void drop();

  net::Connector& connector_;
  net::Executor executor_;
  Identity identity_;
  std::shared_ptr<const KafkaOptions> options_;
  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<Memory> memory_;  // the thread's
  core::SeriesTable table_;
  Series series_;
  CommonMetrics common_;

  std::shared_ptr<Kept> kept_;            // while all is well
  bool suspect_ = false;                  // the client said that it lost a broker
  std::set<std::string> troubled_;        // brokers that were reported lost
  std::optional<core::Failure> trouble_;  // of this probe: what says the most about the cause
  std::size_t first_broker_ = 0;
  net::BlockingPool thread_{1};  // goes first: what runs there uses what stands above
};

Plan KafkaProber::make_plan(const KafkaOptions& options) {
  const auto topics = NamePatterns::parse(options.topics);
  const auto groups = NamePatterns::parse(options.consumer_groups);
  std::string problem = kafka_problem(options);
  if (problem.empty() && !topics) problem = topics.error().detail;
  if (problem.empty() && !groups) problem = groups.error().detail;
  if (!problem.empty()) throw std::invalid_argument(problem);
  Plan plan;
  plan.topics = *topics;
  plan.groups = *groups;
  plan.with_offsets = options.offsets;
  plan.with_groups = options.groups;
  plan.with_past = options.lag_seconds && options.groups;
  plan.max_partitions = options.max_partitions;
  plan.max_groups = options.max_groups;
  return plan;
}

SeriesOptions KafkaProber::series_options(const KafkaOptions& options) {
  SeriesOptions series;
  series.naming.kafka_exporter = options.names.kafka_exporter;
  series.naming.burrow_exporter = options.names.burrow_exporter;
  series.naming.burrow = options.names.burrow;
  series.naming.grafana = options.names.grafana;
  series.naming.kafka_lag_exporter = options.names.kafka_lag_exporter;
  series.cluster = options.name;
  if (options.groups) series.expected_groups = NamePatterns::parse(options.consumer_groups)->plain_names();
  series.expected_topics = NamePatterns::parse(options.topics)->plain_names();
  series.lag_seconds = options.lag_seconds;
  series.max_series = options.max_series;
  return series;
}

net::Task<core::Observation> KafkaProber::probe(ProbeStart start) {
  const auto begun = Clock::now();
  if (start.fresh) drop();
  auto snapshot = co_await ask(start);

  core::Observation observation;
  observation.target = identity_.target;
  observation.at = start.at;
  table_.begin();
  if (snapshot) {
    note_brokers(*snapshot);
    observation.detail = clean(missing(*snapshot));
    series_.add(*snapshot, table_);
  } else {
    drop();
    auto failure = snapshot.error();
    observation.outcome = failure.outcome;
    observation.phase = failure.phase;
    observation.detail = clean(std::move(failure.detail)) + hint(failure.outcome);
    series_.add_down(table_);
  }
  observation.took = Clock::now() - begun;
  common_.append(table_, observation.outcome, observation.took);
  observation.batch = table_.take();
  co_return observation;
}

net::Task<core::Result<Snapshot>> KafkaProber::ask(ProbeStart start) {
  if (kept_ && kept_->outdated) drop();
  // What is older than the question is no answer to it, but a reason to look who is there.
  if (kept_) static_cast<void>(news(kept_->client->take_troubles()));
  if (!kept_ || suspect_) {
    const auto options = options_;
    auto answered = co_await knock(connector_, *options, first_broker_, start.deadline);
    if (!answered) co_return answered.error();
    suspect_ = false;
  }
  if (!kept_) {
    kept_ = std::make_shared<Kept>(executor_);
    troubled_.clear();
    if (!kept_->readiness.attach(kept_->client->descriptor())) {
      co_return core::Failure{Outcome::limit, Phase::connect, "no descriptor is left"};
    }
  }
  trouble_.reset();
  auto job = std::make_shared<Job>();
  job->start = start;
  submit(job, kept_->client);
  auto result = co_await wait_for(std::move(job), kept_);
  co_return result;
}

void KafkaProber::submit(std::shared_ptr<Job> job, std::shared_ptr<Client> client) {
  auto work = [job, client, options = options_, plan = plan_, memory = memory_]() mutable {
    const core::Deadline deadline = job->start.deadline - margin;
    core::Result<void> open;
    if (!client->is_open()) {
      const auto password = options->sasl.password.empty() ? core::Secret() : options->sasl.password.read();
      open = password ? client->open(*options, *password) : password.error();
    }
    if (open) {
      job->result = ask_all(*client, *plan, *memory, job->start.at, deadline, job->phase);
    } else {
      job->result = open.error();
    }
    job->done.store(true, std::memory_order_release);
    client->wake();
  };
  if (thread_.submit(std::move(work))) return;
  job->result = core::Failure{Outcome::limit, Phase::none, "too many rounds wait"};
  job->done = true;
  client->wake();
}

net::Task<core::Result<Snapshot>> KafkaProber::wait_for(std::shared_ptr<Job> job, std::shared_ptr<Kept> kept) {
  while (true) {
    const auto ready = co_await kept->readiness.readable(job->start.deadline);
    const bool all_down = weigh(kept->client->take_troubles());
    if (job->done.load(std::memory_order_acquire)) {
      if (!job->result) co_return explain(*job);
      co_return std::move(job->result);
    }
    // Nobody lets us in, or nobody is there any more.
    const bool refused = trouble_ && trouble_->outcome == Outcome::auth && job->phase == Phase::connect;
    if (refused || all_down) co_return *trouble_;
    if (ready == net::Ready::cancelled) {
      co_return core::Failure{Outcome::cancelled, job->phase, "the probe was given up"};
    }
    if (ready == net::Ready::timeout) co_return too_late(*job);
  }
}

/// Remembers what says the most about the cause; true if all brokers are gone.
bool KafkaProber::weigh(const std::vector<Trouble>& troubles) {
  static_cast<void>(news(troubles));
  bool all_down = false;
  for (const Trouble& trouble : troubles) {
    all_down = all_down || trouble.code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    auto failure = failure_of(trouble);
    if (!trouble_ || says_more(failure, *trouble_)) trouble_ = std::move(failure);
  }
  return all_down;
}

/// Why a round failed: a trouble of this kind says with whom and how.
core::Failure KafkaProber::explain(const Job& job) const {
  const core::Failure& failure = job.result.error();
  if (failure.outcome == Outcome::timeout) return too_late(job);
  if (trouble_ && trouble_->outcome == failure.outcome) return *trouble_;
  return failure;
}

core::Failure KafkaProber::too_late(const Job& job) const {
  if (trouble_) return *trouble_;
  const Phase phase = job.phase;
  const bool asked = phase != Phase::connect;
  return {Outcome::timeout, asked ? phase : (uses_sasl(options_->security) ? Phase::auth : Phase::query),
          asked ? "the brokers did not answer before the deadline" : "no broker let us in before the deadline"};
}

/// Remembers who is in trouble; true if somebody is who was not.
bool KafkaProber::news(const std::vector<Trouble>& troubles) {
  bool fresh = false;
  for (const Trouble& trouble : troubles) {
    if (trouble.code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
      fresh = true;
    } else if (const auto broker = broker_of(trouble); !broker.empty()) {
      fresh = troubled_.emplace(broker).second || fresh;
    }
  }
  suspect_ = suspect_ || fresh;
  return fresh;
}

net::Task<bool> KafkaProber::watch() {
  const auto kept = kept_;
  if (!kept) co_return false;
  while (true) {
    const auto ready = co_await kept->readiness.readable(core::Deadline::max());
    if (ready != net::Ready::yes || kept != kept_) co_return false;
    if (news(kept->client->take_troubles())) co_return true;
  }
}

/// librdkafka never forgets a broker, and waits for one that is gone whenever all are asked. A new client has not met
/// it.
void KafkaProber::note_brokers(const Snapshot& snapshot) {
  const auto lives = [&](const Broker& known) {
    return std::ranges::any_of(snapshot.brokers, [&](const Broker& broker) { return broker.id == known.id; });
  };
  kept_->outdated = !std::ranges::all_of(kept_->brokers, lives);
  kept_->brokers = snapshot.brokers;
}

/// The client's nonce is sent twice by librdkafka before 2.6.1, and Kafka 4 takes nothing but once.
const char* KafkaProber::hint(Outcome outcome) const {
  constexpr int first_right = 0x02060100;
  const bool scram = uses_sasl(options_->security) && options_->sasl.mechanism != KafkaMechanism::plain;
  if (outcome != Outcome::auth || !scram || rd_kafka_version() >= first_right) return "";
  return " (if the password is right: SCRAM with Kafka 4 needs librdkafka 2.6.1 or later; PLAIN over TLS does not)";
}

/// What could not be had, for the log; empty where all could. A name that only brokers understand is found out so.
std::string KafkaProber::missing(const Snapshot& snapshot) const {
  std::string text;
  if (!snapshot.groups_error.none()) text = "groups: " + snapshot.groups_error.word;
  std::size_t count = 0;
  const PartError* error = nullptr;
  for (const Topic& topic : snapshot.topics) {
    for (const Partition& partition : topic.partitions) {
      if (partition.leader < 0 || partition.offset_error.none()) continue;
      ++count;
      error = &partition.offset_error;
    }
  }
  if (error != nullptr) {
    text += (text.empty() ? "" : "; ") + ("offsets of " + std::to_string(count)) + " partitions: " + error->word;
  }
  if (text.empty()) return text;
  return "could not be had: " + text + (trouble_ ? " (" + trouble_->detail + ")" : "");
}

/// What a broker says goes into the detail, and a broker may say anything.
std::string KafkaProber::clean(std::string detail) const {
  if (options_->sasl.password.empty()) return detail;
  const auto password = options_->sasl.password.read();
  return password ? core::redact(std::move(detail), password->reveal()) : detail;
}

/// The client ends on the thread: it waits for threads of its own.
void KafkaProber::drop() {
  if (!kept_) return;
  kept_->readiness.release();
  auto client = std::move(kept_->client);
  // Whoever still waits on it holds the rest.
  kept_->client = client;
  client->give_up();
  kept_.reset();
  static_cast<void>(thread_.submit([last = std::move(client)]() mutable { last.reset(); }));
}

}  // namespace
}  // namespace kafka

std::unique_ptr<Prober> make_kafka_prober(net::Connector& connector, net::Executor executor, Identity identity,
                                          KafkaOptions options) {
  return std::make_unique<kafka::KafkaProber>(connector, std::move(executor), std::move(identity), std::move(options));
}

std::span<const core::MetricMeta> kafka_metadata() { return kafka::all_metrics(); }

}  // namespace tocsin::probes
