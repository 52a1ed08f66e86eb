// librdkafka's objects, owned.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

namespace tocsin::probes::kafka {

struct Release {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
  void operator()(rd_kafka_AdminOptions_t* options) const { rd_kafka_AdminOptions_destroy(options); }
  void operator()(rd_kafka_ListConsumerGroupOffsets_t* ask) const { rd_kafka_ListConsumerGroupOffsets_destroy(ask); }
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
  void operator()(const struct rd_kafka_metadata* metadata) const { rd_kafka_metadata_destroy(metadata); }
  // Nobody is a member of a group here, so there is nothing to leave.
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); }
};

template <class T>
using Owned = std::unique_ptr<T, Release>;

using PartitionList = Owned<rd_kafka_topic_partition_list_t>;
using Metadata = Owned<const struct rd_kafka_metadata>;

}  // namespace tocsin::probes::kafka
