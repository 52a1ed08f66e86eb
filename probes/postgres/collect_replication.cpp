// Who follows whom, and how far behind.
#include "postgres/table_collector.hpp"

namespace tocsin::probes::postgres {
namespace {

using namespace std::chrono_literals;

// -- replication. The lag is 0 where all that was received is replayed: without that, a primary on which nobody writes
// would seem to leave its replicas behind. It also hides a broken link; pg_replication_last_replay_seconds does not.
// Aurora refuses pg_last_xact_replay_timestamp(): then a replica has no lag, and all else stands.
std::optional<std::string> replication_query(const Asked& asked) {
  switch (asked.attempt) {
    case 0:
      return R"(
SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 1 ELSE 0 END AS is_replica,
  GREATEST(0, EXTRACT(epoch FROM now() - pg_catalog.pg_last_xact_replay_timestamp())) AS last_replay,
  CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN 0
       WHEN pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() THEN 0
       ELSE GREATEST(0, EXTRACT(epoch FROM now() - pg_catalog.pg_last_xact_replay_timestamp())) END AS lag)";
    case 1:
      return R"(
SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 1 ELSE 0 END AS is_replica,
  CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN 0 END AS lag)";
    default:
      return std::nullopt;
  }
}
constexpr ValueColumn replication_values[] = {
    {"lag",
     {"pg_replication_lag_seconds", gauge, "Seconds that replay is behind; 0 on a primary, and when all is replayed."}},
    {"is_replica", {"pg_replication_is_replica", gauge, "1 on a server that follows another one."}},
    {"last_replay", {"pg_replication_last_replay_seconds", gauge, "Age of the transaction that was replayed last."}},
};

// -- stat_replication
std::optional<std::string> followers_query(const Asked& asked) {
  switch (asked.attempt) {
    case 0:
      return R"(
SELECT r.application_name, r.client_addr::text AS client_addr, r.state, s.slot_name, r.pid,
  pg_catalog.pg_wal_lsn_diff(here.lsn, '0/0') AS current_lsn,
  pg_catalog.pg_wal_lsn_diff(here.lsn, r.replay_lsn) AS behind
FROM pg_catalog.pg_stat_replication r
LEFT JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid
CROSS JOIN (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn()
                        ELSE pg_catalog.pg_current_wal_lsn() END AS lsn) AS here
ORDER BY r.pid)";
    default:
      return std::nullopt;
  }
}
constexpr LabelColumn followers_labels[] = {
    {"application_name", "application_name"},
    {"client_addr", "client_addr"},
    {"state", "state"},
    {"slot_name", "slot_name"},
    {"pid", "pid"},
};
constexpr ValueColumn followers_values[] = {
    {"current_lsn", {"pg_stat_replication_pg_current_wal_lsn_bytes", gauge, "The position in the WAL of this server."}},
    {"behind", {"pg_stat_replication_pg_wal_lsn_diff", gauge, "Bytes of WAL that the follower has yet to replay."}},
};

// -- stat_wal_receiver: on replicas only. Positions are given as postgres_exporter does, modulo 2^52.
std::optional<std::string> receiver_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return std::string(R"(
SELECT sender_host AS upstream_host, slot_name, status,
  pg_catalog.mod(pg_catalog.pg_wal_lsn_diff(receive_start_lsn, '0/0'), 4503599627370496) AS receive_start_lsn,
  receive_start_tli, received_tli,
  pg_catalog.mod(pg_catalog.pg_wal_lsn_diff()") +
         (asked.server.version_num >= 130000 ? "flushed_lsn" : "received_lsn") +
         R"(, '0/0'), 4503599627370496) AS flushed_lsn,
  EXTRACT(epoch FROM last_msg_send_time) AS last_msg_send_time,
  EXTRACT(epoch FROM last_msg_receipt_time) AS last_msg_receipt_time,
  pg_catalog.mod(pg_catalog.pg_wal_lsn_diff(latest_end_lsn, '0/0'), 4503599627370496) AS latest_end_lsn,
  EXTRACT(epoch FROM latest_end_time) AS latest_end_time,
  COALESCE(substring(slot_name FROM 'repmgr_slot_([0-9]+)'), '0') AS upstream_node
FROM pg_catalog.pg_stat_wal_receiver WHERE status IS NOT NULL)";
}
constexpr LabelColumn receiver_labels[] = {
    {"upstream_host", "upstream_host"}, {"slot_name", "slot_name"}, {"status", "status"}};
constexpr ValueColumn receiver_values[] = {
    {"receive_start_lsn", {"pg_stat_wal_receiver_receive_start_lsn", counter, "Where in the WAL receiving began."}},
    {"receive_start_tli",
     {"pg_stat_wal_receiver_receive_start_tli", gauge, "The timeline with which receiving began."}},
    {"flushed_lsn", {"pg_stat_wal_receiver_flushed_lsn", counter, "Up to where WAL was received and flushed to disk."}},
    {"received_tli", {"pg_stat_wal_receiver_received_tli", gauge, "The timeline of what was flushed last."}},
    {"last_msg_send_time",
     {"pg_stat_wal_receiver_last_msg_send_time", counter, "When the last message was sent, as Unix time."}},
    {"last_msg_receipt_time",
     {"pg_stat_wal_receiver_last_msg_receipt_time", counter, "When the last message was received, as Unix time."}},
    {"latest_end_lsn", {"pg_stat_wal_receiver_latest_end_lsn", counter, "The last position reported to the sender."}},
    {"latest_end_time", {"pg_stat_wal_receiver_latest_end_time", counter, "When that was reported, as Unix time."}},
    {"upstream_node",
     {"pg_stat_wal_receiver_upstream_node", gauge, "The sender's number where repmgr named the slot."}},
};

// -- xlog_location: postgres_exporter has it for servers before 10 only; the position is known in later ones as well.
std::optional<std::string> location_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return R"(
SELECT pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                                       ELSE pg_catalog.pg_current_wal_lsn() END, '0/0') AS bytes)";
}
constexpr ValueColumn location_values[] = {
    {"bytes", {"pg_xlog_location_bytes", gauge, "The position in the WAL of this server."}}};

constexpr TableSpec all_of_replication[] = {
    {"replication", true, Scope::server, 0s, replication_query, {}, replication_values},
    {"stat_replication", true, Scope::server, 0s, followers_query, followers_labels, followers_values},
    {"stat_wal_receiver", false, Scope::server, 0s, receiver_query, receiver_labels, receiver_values},
    {"xlog_location", false, Scope::server, 0s, location_query, {}, location_values},
};

}  // namespace

std::span<const TableSpec> replication_specs() { return all_of_replication; }

}  // namespace tocsin::probes::postgres
