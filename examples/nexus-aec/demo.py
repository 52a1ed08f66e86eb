#!/usr/bin/env python3
"""nexus-aec, live: a Redis with a replica behind TLS, every alarm of the operators, and the actions by a stand-in for `aws`.

    demo.py [--tocsin BINARY] [--once]
"""
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from servers import Redis, RedisError  # noqa: E402
from stack import Failed, Stack  # noqa: E402

SECRET_CONFIG = "CONFIG-5f2c"  # what the provider calls CONFIG; nobody else knows
CLUSTER, GROUP = "cache_cluster/nexus-redis-prod", "replication_group/nexus-sessions"
GROW, SPLIT = "aws elasticache modify-cache-cluster", "aws elasticache modify-replication-group-shard-configuration"
AMONG = {"system": "nexus-aec", "cluster": "nexus-redis-prod"}


class Sessions:
    """The application: keeps writing sessions of 10 KB among so many users, and asks for some that are not there."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.users, self.misses, self.at = redis, 2200, 0, 2199
        for begin in range(0, self.users, 200):
            redis.pipeline([("SET", f"session:{index}", b"s" * 10_000, "EX", 86400) for index in range(begin, begin + 200)])

    def work(self) -> None:
        commands: list[tuple[str | int | bytes, ...]] = []
        for _ in range(10):
            self.at = (self.at + 1) % self.users
            commands += [("SET", f"session:{self.at}", b"s" * 10_000, "EX", 86400), ("STRLEN", f"session:{self.at}")]
        self.redis.pipeline(commands + [("STRLEN", f"gone:{index}") for index in range(self.misses)])

    def upload(self) -> None:
        self.redis("SET", "upload", b"u" * 4_000_000)

    def compute(self) -> None:
        self.redis("EVAL", "local x = 0 for i = 1, 10000000 do x = x + i end return 1", 0)

    def leave(self, users: int) -> None:
        """All but so many log out."""
        self.users = users
        keys = sorted(self.redis("KEYS", "session:*"), key=lambda key: int(key.partition(":")[2]))
        for begin in range(users, len(keys), 500):
            self.redis("DEL", *keys[begin:begin + 500])


def attempt(redis: Redis, *words: str, password: str | None = None) -> None:
    try:
        redis(*words, password=password)
    except (RedisError, OSError):
        pass


def start(stack: Stack) -> tuple[Redis, Redis, Sessions]:
    password = stack.secret("redis", "aec-session-secret")
    away = {"CONFIG": SECRET_CONFIG, "FLUSHDB": "", "FLUSHALL": ""}
    primary = stack.redis("primary", password=password, tls=True, renamed=away, maxmemory="24mb", maxmemory_policy="allkeys-lru", maxclients=10000, timeout=300,
                          repl_diskless_sync_delay=0)
    replica = stack.redis("replica", password=password, tls=True, renamed=away, save="3600 1", replica_ignore_disk_write_errors="yes",
                          replicaof=f"127.0.0.1 {primary.port}")
    stack.until("replication", lambda: replica.info("master_link_status") == "up")
    stack.env |= {"REDIS_PRIMARY": f"127.0.0.1:{primary.port}", "REDIS_REPLICA": f"127.0.0.1:{replica.port}", "REDIS_CA": stack.certificates.ca,
                  "REDIS_MEMORY": "512MiB", "REDIS_CLIENTS": "60", "REDIS_NETWORK": "3MiB/s"}
    stack.say(f"Redis on :{primary.port} and its replica on :{replica.port}, by TLS and a password, without CONFIG, FLUSHDB and FLUSHALL")

    stack.secret("aws", "[default]\naws_access_key_id = AKIADEMO\naws_secret_access_key = demo-secret-key\n")
    stack.cloud.put("aws_account", secret_key="demo-secret-key", region="us-east-1")
    stack.cloud.put(CLUSTER, type="cache.t3.micro")
    stack.cloud.put(GROUP, node_groups=1, replicas=1)
    # What no clock can know: how much of a core the demo may burn.
    stack.edit("thresholds.yml", {"above: 70%, clear_below: 60%": "above: 8%, clear_below: 5%"})
    stack.alertmanager(routes=[
        ({"alertname": "RedisInstanceDown", "severity": "critical"}, "pager"),
        ({"alertname": "SessionsAuthFailed", "team": "security", "severity": "critical"}, "security"),
        ({"alertname": "SessionsEvicted", "severity": "warning"}, "channel"),
        ({"alertname": "SessionsMemoryHigh", "severity": "info"}, "notes"),
        ({"alertname": "TocsinWatchdog", "severity": "none"}, "dead-mans-switch")])
    sessions = Sessions(primary)
    stack.tocsin(targets=2)
    stack.every(0.1, sessions.work)
    return primary, replica, sessions


def limits_by_hand(stack: Stack, primary: Redis, replica: Redis) -> None:
    stack.chapter("The limits that Redis does not tell are given by hand")
    of = 'instance="127.0.0.1:%d"'
    for query, wanted in ((f"redis_memory_max_bytes{{{of % primary.port}}}", 24 << 20), (f"redis_memory_max_bytes{{{of % replica.port}}}", 512 << 20),
                          (f"tocsin_limit_clients{{{of % primary.port}}}", 60), (f"tocsin_limit_network_bytes_per_second{{{of % primary.port}}}", 3 << 20)):
        stack.until(f"{query} = {wanted}", lambda query=query, wanted=wanted: stack.value(query) == wanted)
    stack.say("   maxmemory of the primary is Redis's own, all else is by hand")


def pressure(stack: Stack, sessions: Sessions) -> str:
    stack.chapter("Redis is full, throws sessions away, and they are missed; somebody looks at it already")
    silence = stack.silence(cluster="nexus-redis-prod")
    sessions.users, sessions.at, sessions.misses = 3000, 2199, 10
    return silence


def security(stack: Stack, primary: Redis) -> None:
    stack.chapter("Somebody tries passwords and commands")
    over = stack.every(0.3, lambda: (attempt(primary, "PING", password="guess"), attempt(primary, "GET", "x", password=""), attempt(primary, "FLUSHALL"),
                                     attempt(primary, "FLUSHDB")))
    stack.alert("SessionsAuthFailed", receiver="security", role="primary", **AMONG)
    stack.alert("SessionsCommandsDenied", receiver="security", err="NOAUTH", **AMONG)
    stack.alert("SessionsUnknownCommands", receiver="security", **AMONG)
    over()


def grown(stack: Stack, primary: Redis, sessions: Sessions, silence: str) -> None:
    """Nothing while it is silenced; then one change for two alerts, slowly, as ElastiCache makes it."""
    stack.idle("grow-evicted", "silenced")
    stack.called(GROW, 0)
    stack.cloud.behave(GROW, "slow", seconds=2)
    stack.expire(silence)
    stack.until("the larger node", lambda: stack.cloud.get(CLUSTER)["type"] == "cache.t3.small")
    primary(SECRET_CONFIG, "SET", "maxmemory", "64mb")  # which is what the larger node brings
    sessions.misses = 0
    run = next(row["action"] for row in stack.rows(step="started"))
    stack.action(run, "started", "succeeded", "effective")
    stack.no_alert("SessionsEvicted")
    call, = stack.called(GROW)
    if "--apply-immediately" not in call["argv"] or call["to"] != "cache.t3.small":
        raise Failed(f"{call['argv']}")


def crowded(stack: Stack, primary: Redis, sessions: Sessions) -> list[Callable[[], None]]:
    """Connections, traffic and CPU near their limits; gives what ends that."""
    stack.cloud.behave(GROW, "stall")
    connections = [primary.connect() for _ in range(55)]

    def leave() -> None:
        for connection in connections:
            connection.close()
    return [stack.every(0.02, sessions.upload), stack.every(0.05, sessions.compute), leave]


def split(stack: Stack) -> None:
    stack.chapter("More than 1,000 users: a person is asked, and says yes; aws lies")
    stack.alert("SessionsManyUsers", receiver="channel", **AMONG)
    stack.action("split-sessions", "awaiting_approval")
    asked = stack.alert("TocsinActionApprovalAwaited", receiver="pager", action="split-sessions")
    stack.called(SPLIT, 0)
    stack.cloud.behave(SPLIT, "lie")
    stack.command(*asked["annotations"]["command"].split()[1:])
    stack.action("split-sessions", "started")


def limits(stack: Stack) -> None:
    stack.chapter("Connections, traffic and CPU are near their limits; the node was changed just before")
    stack.alert("SessionsClientsHigh", receiver="channel", **AMONG)
    stack.alert("SessionsNetworkHigh", way="in", **AMONG)
    stack.alert("SessionsCpuHigh", **AMONG)
    for action in ("grow-network", "grow-cpu"):
        stack.action(action, "skipped", reason="cooldown|goes before|under way")


def stalled(stack: Stack, calm: list[Callable[[], None]]) -> None:
    stack.chapter("The cooldown is over: the next larger node; aws makes the change and does not come back, and tocsin is killed meanwhile")
    stack.until("the larger node", lambda: stack.cloud.get(CLUSTER)["type"] == "cache.t3.medium", 40)
    stack.restart()
    for stop in calm:
        stop()
    run = stack.rows(step="started")[-1]["action"]
    stack.action(run, "unknown", reason="tocsin stopped in the middle|did not end in time")
    stack.action(run, "succeeded", "effective")
    stack.called(GROW, 2)
    stack.no_alert("SessionsCpuHigh")
    stack.no_alert("SessionsNetworkHigh")


def replication(stack: Stack, primary: Redis, replica: Redis) -> None:
    stack.chapter("The replica loses its primary; its snapshots fail")
    replica("REPLICAOF", "127.0.0.1", "1")
    stack.alert("RedisReplicaLinkDown", receiver="pager", role="replica", **AMONG)
    replica("REPLICAOF", "127.0.0.1", primary.port)
    stack.until("replication", lambda: replica.info("master_link_status") == "up")
    snapshot = stack.folder / "replica" / "dump.rdb"
    snapshot.unlink(missing_ok=True)
    snapshot.mkdir()  # where the snapshot is to go stands something else
    replica("BGSAVE")
    stack.alert("RedisSnapshotFailing", receiver="pager", role="replica", **AMONG)
    snapshot.rmdir()
    replica("BGSAVE")
    stack.no_alert("RedisSnapshotFailing")


def split_again(stack: Stack, sessions: Sessions) -> None:
    stack.chapter("aws had said that it split the sessions, and had not; the cooldown over, a person is asked again")
    stack.action("split-sessions", "failed", reason="read back 1 instead of 3")
    stack.alert("TocsinActionFailed", receiver="channel", action="split-sessions")
    stack.called(SPLIT)
    stack.cloud.behave(SPLIT)
    stack.until("the second proposal", lambda: len(stack.rows("split-sessions", "awaiting_approval")) == 2, 40)
    stack.command("actions", "approve", "split-sessions")
    stack.action("split-sessions", "succeeded")
    sessions.leave(300)  # which now are this node group's
    stack.action("split-sessions", "effective")
    stack.called(SPLIT, 2)


def outage(stack: Stack, primary: Redis) -> None:
    stack.chapter("The primary is killed: one page, the rest are consequences")
    primary.process.kill()
    stack.alert("RedisInstanceDown", receiver="pager", role="primary", inhibited=False, **AMONG)
    stack.alert("RedisReplicaLinkDown", role="replica", inhibited=True, **AMONG)
    primary.process.start()
    stack.no_alert("RedisInstanceDown")
    stack.no_alert("RedisReplicaLinkDown")


def story(stack: Stack) -> None:
    stack.test_rules()
    primary, replica, sessions = start(stack)
    limits_by_hand(stack, primary, replica)
    silence = pressure(stack, sessions)
    security(stack, primary)
    stack.alert("SessionsEvicted", receiver="channel", silenced=True, **AMONG)
    stack.alert("SessionsMissed", silenced=True, **AMONG)
    stack.alert("SessionsMemoryHigh", inhibited=True, **AMONG)
    grown(stack, primary, sessions, silence)
    calm = crowded(stack, primary, sessions)
    split(stack)
    limits(stack)
    stalled(stack, calm)
    replication(stack, primary, replica)
    split_again(stack, sessions)
    outage(stack, primary)


if __name__ == "__main__":
    Stack.main(__file__, story, factor=75)
