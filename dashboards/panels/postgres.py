# PostgreSQL.
TITLE = "tocsin / PostgreSQL"
HELP = "PostgreSQL, by the names of postgres_exporter."
VARIABLES = [
    variable("job", "Job", "label_values(pg_up, job)"),
    variable("instance", "Instance", 'label_values(pg_up{job=~"$job"}, instance)'),
    variable("datname", "Database",
             'label_values(pg_stat_database_numbackends{job=~"$job", instance=~"$instance", datname!~"template.*"}, datname)'),
]
S = '{job=~"$job", instance=~"$instance"}'
D = '{job=~"$job", instance=~"$instance", datname=~"$datname"}'


def rate(metric, by="instance, datname"):
    return f"sum by ({by}) (rate({metric}{D}[$__rate_interval]))"


ROWS = [
    ("Now", [
        stat("Up", "none", [(f"pg_up{S}", "{{instance}}")], mappings=UP_DOWN),
        stat("Connections", "short", [(f"sum(pg_stat_activity_count{D})", "")]),
        stat("Connections used", "percentunit",
             [(f"max(sum by (job, instance) (pg_stat_activity_count{S}) / sum by (job, instance) (pg_settings_max_connections{S}))",
               "")], thresholds=[(0.8, "orange"), (0.95, "red")]),
        stat("Transactions", "ops",
             [(f"sum(rate(pg_stat_database_xact_commit{D}[$__rate_interval])) + "
               f"sum(rate(pg_stat_database_xact_rollback{D}[$__rate_interval]))", "")]),
        stat("Size", "bytes", [(f"sum(pg_database_size_bytes{D})", "")]),
        stat("Longest transaction", "s", [(f"max(pg_stat_activity_max_tx_duration{D})", "")], decimals=1),
        table("Servers", "none", [(f"max by (instance, short_version) (pg_static{S})", "")], width=12, height=6),
        table("Replicas", "none", [(f"max by (instance) (pg_replication_is_replica{S})", "")], width=12, height=6,
              mappings=YES_NO),
    ]),
    ("Connections and transactions", [
        graph("Connections by state", "short",
              [(f"sum by (instance, state) (pg_stat_activity_count{D})", "{{instance}} {{state}}")], stack=True),
        graph("Connections by database", "short",
              [(f"sum by (instance, datname) (pg_stat_database_numbackends{D})", "{{instance}} {{datname}}")]),
        graph("Longest transaction", "s",
              [(f"max by (instance, datname, state) (pg_stat_activity_max_tx_duration{D})",
                "{{instance}} {{datname}} {{state}}")]),
        graph("Commits", "ops", [(rate("pg_stat_database_xact_commit"), "{{instance}} {{datname}}")]),
        graph("Rollbacks", "ops", [(rate("pg_stat_database_xact_rollback"), "{{instance}} {{datname}}")]),
        graph("Transactions rolled back", "percentunit",
              [(f"{rate('pg_stat_database_xact_rollback')} / ({rate('pg_stat_database_xact_commit')} + "
                f"{rate('pg_stat_database_xact_rollback')} > 0)", "{{instance}} {{datname}}")]),
    ]),
    ("Rows", [
        graph("Read", "ops", [(rate("pg_stat_database_tup_fetched"), "{{instance}} {{datname}} fetched"),
                              (rate("pg_stat_database_tup_returned"), "{{instance}} {{datname}} returned")]),
        graph("Written", "ops", [(rate("pg_stat_database_tup_inserted"), "{{instance}} {{datname}} inserted"),
                                 (rate("pg_stat_database_tup_updated"), "{{instance}} {{datname}} updated"),
                                 (rate("pg_stat_database_tup_deleted"), "{{instance}} {{datname}} deleted")]),
        graph("Found in memory", "percentunit",
              [(f"{rate('pg_stat_database_blks_hit')} / ({rate('pg_stat_database_blks_hit')} + "
                f"{rate('pg_stat_database_blks_read')} > 0)", "{{instance}} {{datname}}")], maximum=1),
        graph("Temporary files", "Bps", [(rate("pg_stat_database_temp_bytes"), "{{instance}} {{datname}}")]),
        graph("Deadlocks and conflicts", "ops", [(rate("pg_stat_database_deadlocks"), "{{instance}} {{datname}} deadlocks"),
                                                 (rate("pg_stat_database_conflicts"), "{{instance}} {{datname}} conflicts")]),
        graph("Locks by mode", "short", [(f"sum by (instance, mode) (pg_locks_count{D})", "{{instance}} {{mode}}")]),
    ]),
    ("Tables", [
        graph("Size of databases", "bytes", [(f"pg_database_size_bytes{D}", "{{instance}} {{datname}}")]),
        graph("Dead rows, the ten worst tables", "short",
              [(f"topk(10, pg_stat_user_tables_n_dead_tup{D})", "{{datname}} {{schemaname}}.{{relname}}")]),
        graph("Dead rows of all", "percentunit",
              [(f"topk(10, pg_stat_user_tables_n_dead_tup{D} / (pg_stat_user_tables_n_live_tup{D} + pg_stat_user_tables_n_dead_tup{D} > 0))",
                "{{datname}} {{schemaname}}.{{relname}}")]),
        graph("Scans of tables", "ops",
              [(f"sum by (instance, datname) (rate(pg_stat_user_tables_seq_scan{D}[$__rate_interval]))",
                "{{instance}} {{datname}} sequential"),
               (f"sum by (instance, datname) (rate(pg_stat_user_tables_idx_scan{D}[$__rate_interval]))",
                "{{instance}} {{datname}} by index")]),
        graph("Live rows, the ten largest tables", "short",
              [(f"topk(10, pg_stat_user_tables_n_live_tup{D})", "{{datname}} {{schemaname}}.{{relname}}")]),
        table("Since the last vacuum by itself", "s",
              [(f"topk(20, time() - (pg_stat_user_tables_last_autovacuum{D} > 0) or 0 * pg_stat_user_tables_n_live_tup{D})",
                "")], width=8, help="0: never."),
    ]),
    ("Writer, checkpoints and WAL", [
        graph("Buffers", "ops",
              [(f"rate(pg_stat_bgwriter_buffers_alloc_total{S}[$__rate_interval])", "{{instance}} allocated"),
               (f"rate(pg_stat_bgwriter_buffers_clean_total{S}[$__rate_interval])", "{{instance}} by the writer")]),
        graph("Checkpoints", "ops",
              [(f"rate(pg_stat_bgwriter_checkpoints_timed_total{S}[$__rate_interval]) "
                f"or rate(pg_stat_checkpointer_num_timed_total{S}[$__rate_interval])", "{{instance}} by time"),
               (f"rate(pg_stat_bgwriter_checkpoints_req_total{S}[$__rate_interval]) "
                f"or rate(pg_stat_checkpointer_num_requested_total{S}[$__rate_interval])", "{{instance}} asked for")],
              help="Of pg_stat_bgwriter up to PostgreSQL 16, of pg_stat_checkpointer from 17 on."),
        graph("Size of the WAL", "bytes", [(f"pg_wal_size_bytes{S}", "{{instance}}")]),
    ]),
    ("Replication", [
        graph("Lag", "s", [(f"pg_replication_lag_seconds{S}", "{{instance}}")]),
        graph("Bytes behind", "bytes", [(f"pg_stat_replication_pg_wal_lsn_diff{S}", "{{instance}} {{application_name}}")]),
        graph("Slots in use", "short", [(f"sum by (instance) (pg_replication_slots_active{S})", "{{instance}}")]),
    ]),
    ("Settings", [
        stat("max_connections", "short", [(f"min(pg_settings_max_connections{S})", "")]),
        stat("shared_buffers", "bytes", [(f"min(pg_settings_shared_buffers_bytes{S})", "")]),
        stat("effective_cache_size", "bytes", [(f"min(pg_settings_effective_cache_size_bytes{S})", "")]),
        stat("work_mem", "bytes", [(f"min(pg_settings_work_mem_bytes{S})", "")]),
        stat("maintenance_work_mem", "bytes", [(f"min(pg_settings_maintenance_work_mem_bytes{S})", "")]),
        stat("max_wal_size", "bytes", [(f"min(pg_settings_max_wal_size_bytes{S})", "")]),
        stat("random_page_cost", "short", [(f"min(pg_settings_random_page_cost{S})", "")]),
        stat("max_worker_processes", "short", [(f"min(pg_settings_max_worker_processes{S})", "")]),
        stat("max_parallel_workers", "short", [(f"min(pg_settings_max_parallel_workers{S})", "")]),
    ]),
]
