# Kafka: topics, partitions, and how far groups are behind.
TITLE = "tocsin / Kafka"
HELP = "Kafka clusters, by the names of kafka_exporter, with lag in seconds."
VARIABLES = [
    variable("job", "Job", "label_values(kafka_up, job)"),
    variable("instance", "Cluster", 'label_values(kafka_up{job=~"$job"}, instance)'),
    variable("topic", "Topic",
             'label_values(kafka_topic_partitions{job=~"$job", instance=~"$instance", topic!~"__.*"}, topic)'),
    variable("consumergroup", "Group",
             'label_values(tocsin_kafka_consumergroup_state{job=~"$job", instance=~"$instance"}, consumergroup)'),
]
C = '{job=~"$job", instance=~"$instance"}'
T = '{job=~"$job", instance=~"$instance", topic=~"$topic"}'
G = '{job=~"$job", instance=~"$instance", consumergroup=~"$consumergroup"}'
GT = '{job=~"$job", instance=~"$instance", consumergroup=~"$consumergroup", topic=~"$topic"}'
ROWS = [
    ("Now", [
        stat("Up", "none", [(f"kafka_up{C}", "{{instance}}")], mappings=UP_DOWN, width=3),
        stat("Brokers", "short", [(f"sum(kafka_brokers{C})", "")], width=3),
        stat("Topics", "short", [(f"count(kafka_topic_partitions{C})", "")], width=3),
        stat("Partitions", "short", [(f"sum(kafka_topic_partitions{C})", "")], width=3),
        stat("Offline partitions", "short", [(f"sum(tocsin_kafka_offline_partitions{C})", "")],
             thresholds=[(1, "red")], width=3),
        stat("Under-replicated partitions", "short", [(f"sum(tocsin_kafka_under_replicated_partitions{C})", "")],
             thresholds=[(1, "orange")], width=3),
        stat("Largest lag", "short", [(f"max(kafka_consumergroup_max_lag{G})", "")], width=3),
        stat("Largest lag in time", "s", [(f"max(kafka_consumergroup_max_lag_seconds{G})", "")], width=3, decimals=1),
    ]),
    ("Groups", [
        graph("Lag in records", "short",
              [(f"sum by (instance, consumergroup, topic) (kafka_consumergroup_lag{GT})", "{{consumergroup}} {{topic}}")],
              width=12),
        graph("Lag in seconds", "s",
              [(f"max by (instance, consumergroup, topic) (kafka_consumergroup_lag_seconds{GT})",
                "{{consumergroup}} {{topic}}")], width=12,
              help="For how long the next record that the group will read has been waiting, in the worst partition."),
        graph("Records consumed", "ops",
              [(f"sum by (instance, consumergroup, topic) (rate(kafka_consumergroup_current_offset{GT}[$__rate_interval]))",
                "{{consumergroup}} {{topic}}")]),
        graph("Without progress", "s",
              [(f"tocsin_kafka_consumergroup_stalled_seconds{G}", "{{consumergroup}}")],
              help="For how long records have waited while the group's commit stood still."),
        graph("Members", "short", [(f"kafka_consumergroup_members{G}", "{{consumergroup}}")]),
        table("State", "none",
              [(f"sum by (instance, consumergroup, state) (tocsin_kafka_consumergroup_state{G})", "")]),
        table("Worst partition of each group", "short",
              [(f"max by (instance, consumergroup, topic, partition) (tocsin_kafka_consumergroup_worst_partition{GT})",
                "")]),
        graph("Partitions without a commit", "short",
              [(f"tocsin_kafka_consumergroup_uncommitted_partitions{G}", "{{consumergroup}}")], width=12),
        graph("Where lag in seconds comes from", "short",
              [(f"sum by (method) (tocsin_kafka_consumergroup_lag_seconds_partitions{G})", "{{method}}")], width=12,
              stack=True, help="Number of partitions by how it was come by."),
    ]),
    ("Topics", [
        graph("Records written", "ops",
              [(f"sum by (instance, topic) (rate(kafka_topic_partition_current_offset{T}[$__rate_interval]))",
                "{{topic}}")]),
        graph("Records held", "short",
              [(f"sum by (instance, topic) (kafka_topic_partition_current_offset{T} - kafka_topic_partition_oldest_offset{T})",
                "{{topic}}")]),
        graph("Partitions", "short", [(f"sum by (instance, topic) (kafka_topic_partitions{T})", "{{topic}}")]),
        graph("Fewest replicas in sync", "short",
              [(f"min by (instance, topic) (kafka_topic_partition_in_sync_replica{T})", "{{topic}}")]),
        graph("Under-replicated partitions", "short",
              [(f"sum by (instance, topic) (kafka_topic_partition_under_replicated_partition{T})", "{{topic}}")]),
        graph("Partitions not led by their preferred broker", "short",
              [(f"count by (instance) (kafka_topic_partition_leader_is_preferred{T}) - "
                f"sum by (instance) (kafka_topic_partition_leader_is_preferred{T})", "{{instance}}")]),
    ]),
    ("Brokers", [
        graph("Partitions led", "short",
              [(f'count_values by (instance) ("broker", kafka_topic_partition_leader{C})', "{{instance}} {{broker}}")],
              width=8, help="-1: nobody leads them."),
        table("Brokers", "none", [(f"max by (instance, id, address) (kafka_broker_info{C})", "")], width=8),
        graph("What could not be had", "short", [(f"sum by (part) (tocsin_kafka_errors{C})", "{{part}}")], width=8,
              stack=True, help="Parts of a look at the cluster that brought an error."),
    ]),
]
