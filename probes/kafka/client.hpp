// One librdkafka client: made, asked and destroyed on the thread for what blocks; what it reports of its own accord is
// picked up on the loop, woken through a descriptor.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "kafka/failure.hpp"
#include "kafka/handles.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/probes/kafka.hpp"

namespace tocsin::probes::kafka {

class Client {
 public:
  Client();
  /// Blocks for as long as librdkafka's threads need to end: a millisecond, or a name look-up that is under way.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Starts librdkafka's threads; blocks while certificates are read.
  [[nodiscard]] core::Result<void> open(const KafkaOptions& options, const core::Secret& password);
  [[nodiscard]] rd_kafka_t* get() const { return client_.get(); }
  [[nodiscard]] bool is_open() const { return open_.load(std::memory_order_acquire); }

  /// Readable when there is trouble to take, or after `wake`. -1 if the system had none left.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// From any thread.
  void wake() const;
  /// What was reported since the last call; the descriptor rests until there is more.
  [[nodiscard]] std::vector<Trouble> take_troubles();

  /// From any thread: whoever waits for an answer is to give up.
  void give_up() { given_up_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool given_up() const { return given_up_.load(std::memory_order_relaxed); }

 private:
  int descriptor_;
  std::atomic<bool> open_ = false;
  std::atomic<bool> given_up_ = false;
  Owned<rd_kafka_t> client_;
  Owned<rd_kafka_queue_t> events_;  // goes before the client
};

}  // namespace tocsin::probes::kafka
