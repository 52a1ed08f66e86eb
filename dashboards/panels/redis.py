# Redis and what speaks as it does.
TITLE = "tocsin / Redis"
HELP = "Redis, Valkey and their kin, by the names of redis_exporter."
VARIABLES = [
    variable("job", "Job", "label_values(redis_up, job)"),
    variable("instance", "Instance", 'label_values(redis_up{job=~"$job"}, instance)'),
]
S = '{job=~"$job", instance=~"$instance"}'


def rate(metric, by="instance"):
    return f"sum by ({by}) (rate({metric}{S}[$__rate_interval]))"


ROWS = [
    ("Now", [
        stat("Up", "none", [(f"redis_up{S}", "{{instance}}")], mappings=UP_DOWN),
        stat("Shortest uptime", "s", [(f"min(redis_uptime_in_seconds{S})", "")]),
        stat("Clients", "short", [(f"sum(redis_connected_clients{S})", "")]),
        stat("Memory used", "bytes", [(f"sum(redis_memory_used_bytes{S})", "")]),
        stat("Memory used of maxmemory", "percentunit",
             [(f"max(redis_memory_used_bytes{S} / (redis_memory_max_bytes{S} > 0))", "")],
             thresholds=[(0.8, "orange"), (0.95, "red")], help="The fullest. Servers without maxmemory are left out."),
        stat("Commands", "ops", [(f"sum(rate(redis_commands_processed_total{S}[$__rate_interval]))", "")]),
    ]),
    ("Commands", [
        graph("Commands", "ops", [(rate("redis_commands_processed_total"), "{{instance}}")]),
        graph("Commands, the ten most frequent", "ops", [(f"topk(10, {rate('redis_commands_total', 'cmd')})", "{{cmd}}")]),
        graph("Time of a command", "s",
              [(f"topk(10, {rate('redis_commands_duration_seconds_total', 'cmd')} / "
                f"({rate('redis_commands_total', 'cmd')} > 0))", "{{cmd}}")],
              help="Mean time on the server, by command."),
        graph("Time spent in commands", "s",
              [(f"topk(10, {rate('redis_commands_duration_seconds_total', 'cmd')})", "{{cmd}}")],
              help="Seconds a second."),
        graph("Hits and misses", "ops", [(rate("redis_keyspace_hits_total"), "{{instance}} hits"),
                                         (rate("redis_keyspace_misses_total"), "{{instance}} misses")]),
        graph("Hit ratio", "percentunit",
              [(f"{rate('redis_keyspace_hits_total')} / ({rate('redis_keyspace_hits_total')} + "
                f"{rate('redis_keyspace_misses_total')} > 0)", "{{instance}}")], minimum=0, maximum=1),
    ]),
    ("Memory and keys", [
        graph("Memory", "bytes", [(f"redis_memory_used_bytes{S}", "{{instance}} used"),
                                  (f"redis_memory_used_rss_bytes{S}", "{{instance}} resident"),
                                  (f"redis_memory_max_bytes{S} > 0", "{{instance}} maxmemory")]),
        graph("Fragmentation", "short",
              [(f"redis_memory_used_rss_bytes{S} / (redis_memory_used_bytes{S} > 0)", "{{instance}}")],
              help="Resident memory for each byte in use."),
        graph("Expired and evicted keys", "ops", [(rate("redis_expired_keys_total"), "{{instance}} expired"),
                                                  (rate("redis_evicted_keys_total"), "{{instance}} evicted")]),
        graph("Keys", "short", [(f"sum by (instance, db) (redis_db_keys{S})", "{{instance}} {{db}}")]),
        graph("Keys with and without an end", "short",
              [(f"sum by (instance) (redis_db_keys_expiring{S})", "{{instance}} expiring"),
               (f"sum by (instance) (redis_db_keys{S} - redis_db_keys_expiring{S})", "{{instance}} not expiring")]),
        graph("Mean time to live", "s", [(f"redis_db_avg_ttl_seconds{S}", "{{instance}} {{db}}")]),
    ]),
    ("Clients and network", [
        graph("Clients", "short", [(f"redis_connected_clients{S}", "{{instance}} connected"),
                                   (f"redis_blocked_clients{S}", "{{instance}} blocked")]),
        graph("Connections in use", "percentunit",
              [(f"redis_connected_clients{S} / (redis_config_maxclients{S} > 0)", "{{instance}}")], minimum=0,
              maximum=1),
        graph("New and refused connections", "ops", [(rate("redis_connections_received_total"), "{{instance}} new"),
                                                     (rate("redis_rejected_connections_total"), "{{instance}} refused")]),
        graph("Network", "Bps", [(rate("redis_net_input_bytes_total"), "{{instance}} in"),
                                 (rate("redis_net_output_bytes_total"), "{{instance}} out")], width=12),
        graph("CPU", "s", [(rate("redis_cpu_sys_seconds_total"), "{{instance}} system"),
                           (rate("redis_cpu_user_seconds_total"), "{{instance}} user")], width=12),
    ]),
    ("Replication", [
        table("Servers", "none",
              [(f"sum by (instance, role, redis_version, redis_mode, maxmemory_policy) (redis_instance_info{S})", "")],
              width=12),
        stat("Replicas connected", "short", [(f"sum(redis_connected_slaves{S})", "")], width=6, height=8),
        stat("Replicas with a link to their master", "short", [(f"sum(redis_master_link_up{S})", "")], width=6,
             height=8),
        graph("Lag of replicas", "s", [(f"redis_connected_slave_lag_seconds{S}", "{{slave_ip}}:{{slave_port}}")]),
        graph("Bytes behind", "bytes",
              [(f"redis_master_repl_offset{S} - on (job, instance) group_right () redis_connected_slave_offset_bytes{S}",
                "{{slave_ip}}:{{slave_port}}")]),
        graph("Last word from the master", "s", [(f"redis_master_last_io_seconds_ago{S}", "{{instance}}")]),
    ]),
    ("Persistence and slow commands", [
        graph("Since the last snapshot", "s", [(f"time() - redis_rdb_last_save_timestamp_seconds{S}", "{{instance}}")]),
        graph("Changes since the last snapshot", "short", [(f"redis_rdb_changes_since_last_save{S}", "{{instance}}")]),
        graph("Append-only file", "bytes", [(f"redis_aof_current_size_bytes{S}", "{{instance}}")]),
        timeline("Last snapshot good", [(f"redis_rdb_last_bgsave_status{S}", "{{instance}}")], width=12,
                 mappings=YES_NO),
        graph("Entries in the slow log", "short", [(f"redis_slowlog_length{S}", "{{instance}}")], width=12, height=6),
    ]),
]
