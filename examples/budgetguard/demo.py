#!/usr/bin/env python3
"""An AI gateway with budgets, live: real Redis, PostgreSQL, PgBouncer and Alertmanager; stand-ins for the API, its workers and kubectl."""
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from processes import Failed, Process, find_program  # noqa: E402
from stack import Stack  # noqa: E402

QUEUE = "budgetguard:ledger:queue"
WORKERS, API = "deployment/budgetguard/budgetguard-worker", "deployment/budgetguard/budgetguard-api"
MEBI = 1 << 20
SCHEMA = """
CREATE TABLE tenants (id int PRIMARY KEY, name text NOT NULL, daily_budget_usd numeric, monthly_budget_usd numeric);
CREATE TABLE ledger (id bigserial PRIMARY KEY, tenant_id int REFERENCES tenants, cost_usd numeric NOT NULL, spent_at timestamptz DEFAULT now());
CREATE INDEX ON ledger (tenant_id, spent_at);
INSERT INTO tenants VALUES (1, 'acme', 100, 2000), (2, 'globex', 100, 1000);
GRANT SELECT ON tenants, ledger TO monitor;
"""


class Gateway:
    """The API, its workers and all that they need; what happens to them is said by these few attributes."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.coming = 0.0         # entries a second that come into the queue
        self.pace = 1000.0        # entries a second that a worker writes
        self.errors = 0           # of a hundred answers
        self.memory = 300 * MEBI  # that the API's container uses
        self.detailed = {"database": "ok", "redis": "ok"}
        self._owed = self._due = 0.0
        self._servers()
        self.api = stack.app("budgetguard-api", port=stack.port("API_PORT"))
        stack.env["API"] = f"127.0.0.1:{self.api.port}"
        self.throttled(False)
        self.api.metrics.observe("http_request_duration_seconds", 0.02, method="POST", route="/v1/decide", status_code="500")
        stack.every(0.2, self._live)
        stack.every(0.5, self._work)

    def _servers(self) -> None:
        stack = self.stack
        self.redis = stack.redis(password=stack.secret("redis", "r3dis"))
        self.postgres = stack.postgres()
        self.postgres.sql("CREATE ROLE monitor LOGIN IN ROLE pg_monitor")
        self.postgres.sql("CREATE ROLE api LOGIN")
        self.postgres.sql("CREATE DATABASE budgetguard")
        self.postgres.sql(SCHEMA, database="budgetguard")
        users = {"monitor": stack.secret("postgres", "m0nitor"), "api": "4pi"}
        self.pooler = stack.pgbouncer(self.postgres, users=users, stats_users="monitor", default_pool_size=5, server_login_retry=1)
        self.pooler_address = f"127.0.0.1:{self.pooler.port}"  # type: ignore[attr-defined]
        self.backup = stack.folder / "backups" / "budgetguard-nightly.dump"
        self.backup.parent.mkdir()
        self.backup.write_bytes(b"PGDMP" + bytes(4096))
        stack.env |= {"REDIS": f"127.0.0.1:{self.redis.port}", "PGBOUNCER": self.pooler_address, "BACKUPS": str(self.backup.parent),
                      "TOOLS": str(stack.bin)}
        stack.secret("kubeconfig", "users: [{name: tocsin, user: {token: k8s-token}}]")
        stack.cloud.put("kube_account", token="k8s-token")
        stack.cloud.put(WORKERS, replicas=2)
        stack.cloud.put(API, replicas=3, containers={"api": {"memory": "512Mi"}})

    def throttled(self, yes: bool) -> None:
        status = 429 if yes else 200
        self.api.route("/health", status=status, body='{"status": "ok"}')
        self.api.route("/metrics", status=status, body=self.api.metrics.text)
        self.api.route("/health/detailed", status=status, body=lambda: str({
            name: {"status": state} for name, state in self.detailed.items()}).replace("'", '"'))

    def _live(self) -> None:
        """What the API does in a fifth of a second: answers, memory, entries for the queue."""
        for status, times in (("200", 100 - self.errors), ("500", self.errors)):
            if times:
                self.api.metrics.observe("http_request_duration_seconds", 0.02, times, method="POST", route="/v1/decide", status_code=status)
        limit = self.stack.cloud.get(API)["containers"]["api"]["memory"]
        self.api.metrics.gauge("process_resident_memory_bytes", self.memory)
        self.api.metrics.gauge("process_memory_limit_bytes", int(limit.removesuffix("Mi")) * MEBI)
        self._due += self.coming / 5
        if self._due >= 1:
            self.fill(int(self._due))
            self._due -= int(self._due)

    def _work(self) -> None:
        """What the workers do in half a second: from the queue into the ledger."""
        pace = self.stack.cloud.get(WORKERS)["replicas"] * self.pace
        self._owed = min(self._owed + pace / 2, pace)
        taken = self.redis("LPOP", QUEUE, int(self._owed)) if self._owed >= 1 else None
        if taken:
            self.postgres.sql(f"INSERT INTO ledger (tenant_id, cost_usd) SELECT 1, 0.0001 FROM generate_series(1, {len(taken)})", database="budgetguard")
            self._owed -= len(taken)

    def fill(self, entries: int) -> None:
        self.redis("RPUSH", QUEUE, *["{}"] * entries)

    def empty(self) -> None:
        self.redis("DEL", QUEUE)

    def spend(self, tenant: int, usd: float) -> None:
        self.postgres.sql(f"INSERT INTO ledger (tenant_id, cost_usd) VALUES ({tenant}, {usd})", database="budgetguard")

    def sessions(self, count: int) -> list[Process]:
        """Sessions of the API that are in the middle of something."""
        url = f"postgresql://api:4pi@{self.pooler_address}/budgetguard?sslmode=disable"
        return [self.stack.run(f"session-{index}", [find_program("psql"), "-X", url, "-c", "SELECT pg_sleep(300)"]) for index in range(count)]


def begin(stack: Stack) -> Gateway:
    gateway = Gateway(stack)
    stack.say("Redis, PostgreSQL behind PgBouncer, the API and its two workers")
    stack.test_rules()
    stack.alertmanager(routes=[
        ({"alertname": "BudgetguardUnavailable", "severity": "critical"}, "pager"),
        ({"alertname": "PostgresInstanceDown", "severity": "critical"}, "pager"),
        ({"alertname": "BudgetguardThrottled", "severity": "warning"}, "team"),
        ({"alertname": "MetricsTargetDown", "severity": "critical"}, "team"),
        ({"alertname": "BudgetSpent", "severity": "critical", "tenant": "acme"}, "accounts"),
        ({"alertname": "BudgetguardQueueShort", "severity": "none"}, "nobody"),
        ({"alertname": "TocsinWatchdog", "severity": "none"}, "dead-mans-switch")])
    stack.env["ALERTMANAGER"] = f"127.0.0.1:{stack.env['ALERTMANAGER_PORT']}"
    in_cluster(stack)
    stack.tocsin()
    return gateway


def in_cluster(stack: Stack) -> None:
    """The actions without kubectl are good as well; outside a cluster `check` warns that there is no service account."""
    config = stack.etc / "in-cluster.yml"
    config.write_text((stack.etc / "tocsin.yml").read_text().replace("[actions.yml]", "[actions-in-cluster.yml]"))
    done = subprocess.run([stack.binary, "check", str(config)], env={**os.environ, **stack.env, "CREDENTIALS_DIRECTORY": str(stack.secrets)},
                          capture_output=True, text=True)
    if done.returncode or "1 actions" not in done.stdout:
        raise Failed(f"tocsin check of actions-in-cluster.yml: {done.stdout}{done.stderr}")


def more_workers(stack: Stack, gateway: Gateway) -> None:
    stack.chapter("550 entries wait, and two workers write one a second: two alerts ask for more of the same target")
    silence = stack.silence("the workers are being looked at", system="budgetguard")
    gateway.pace = 0.5
    gateway.fill(550)
    stack.alert("BudgetguardQueueLong", receiver="team", silenced=True)
    stack.alert("BudgetguardQueueSlow", receiver="team", silenced=True)
    stack.idle("workers-by-length", "silenced")
    stack.called("kubectl scale", 0)
    stack.expire(silence)
    stack.command("reload")  # and look again at once: by itself it does within a minute
    stack.action("workers-by-length", "started")
    gateway.pace = 40  # six do not stand in each other's way
    stack.alert("TocsinActionTaken", receiver="team", action="workers-by-length", to="6")
    stack.action("workers-by-length", "effective")
    stack.no_alert("BudgetguardQueueLong")
    stack.no_alert("BudgetguardQueueSlow")
    (call,) = stack.called("kubectl scale", 1)
    if call["to"] != "6":
        raise Failed(f"the larger number was not taken: {call}")
    stack.once("workers-by-delay", 0)
    stack.action("workers-by-delay", "skipped", reason="workers-by-length goes before")
    stack.say("   one change was made: to 6, which the queue's length asks for, not to 3, which its delay does")


def stuck_and_gone(stack: Stack, gateway: Gateway) -> None:
    stack.chapter("The workers stand still while the queue grows; meanwhile the API answers 429, and then not at all")
    calls = len(stack.calls("kubectl scale"))
    gateway.pace, gateway.coming = 0.0, 50.0
    gateway.throttled(True)
    stack.alert("BudgetguardThrottled", receiver="team")
    stack.never("BudgetguardUnavailable")
    gateway.throttled(False)
    stack.alert("BudgetguardWorkerIdle", receiver="pager")
    stack.until("a long queue", lambda: gateway.redis("LLEN", QUEUE) > 300)
    gateway.api.stop()
    stack.alert("BudgetguardUnavailable", receiver="pager")
    stack.alert("MetricsTargetDown", receiver="team", inhibited=True)
    stack.never("BudgetguardQueueLong")
    stack.called("kubectl scale", calls)
    stack.say("   no worker was added: it would stand still as well")
    gateway.api.start()
    gateway.pace, gateway.coming = 1000.0, 0.0
    stack.no_alert("BudgetguardUnavailable")
    stack.no_alert("BudgetguardWorkerIdle")


def fewer_workers(stack: Stack) -> None:
    stack.chapter("Hardly anything waits any more: the workers are fewer again")
    stack.alert("BudgetguardQueueShort", receiver="nobody")
    stack.until("fewer workers", lambda: stack.cloud.get(WORKERS)["replicas"] == 4, 60)
    stack.called("kubectl scale", 2)
    stack.say("   budgetguard-worker: 6 -> 4, by the more careful of the two actions")


def dependencies(stack: Stack, gateway: Gateway) -> None:
    stack.chapter("The API says that its Redis is gone; then PostgreSQL dies, and Redis does")
    gateway.detailed["redis"] = "error"
    stack.alert("BudgetguardDependencyFailing", receiver="pager", inhibited=False)
    gateway.postgres.process.kill()
    stack.alert("PostgresInstanceDown", receiver="pager")
    stack.alert("BudgetguardDependencyFailing", inhibited=True)
    gateway.postgres.process.start()
    gateway.redis.process.kill()
    stack.alert("RedisInstanceDown", receiver="pager")
    gateway.redis.process.start()
    gateway.detailed["redis"] = "ok"
    for name in ("PostgresInstanceDown", "RedisInstanceDown", "BudgetguardDependencyFailing"):
        stack.no_alert(name)


def old_token(stack: Stack, gateway: Gateway) -> None:
    stack.chapter("The queue is long again, and kubectl is given an old token; with the right one it hangs")
    calls = len(stack.calls("kubectl scale"))
    stack.secret("kubeconfig", "users: [{name: tocsin, user: {token: an-old-one}}]")
    gateway.pace = 1.0  # long, but not slow
    gateway.fill(750)
    stack.alert("BudgetguardQueueLong")
    stack.idle("workers-by-length", "Unauthorized")
    stack.called("kubectl scale", calls)
    stack.secret("kubeconfig", "users: [{name: tocsin, user: {token: k8s-token}}]")
    stack.cloud.behave("kubectl scale", "stall")
    stack.command("reload")


def troubles(stack: Stack, gateway: Gateway) -> None:
    stack.chapter("A fifth of the answers are errors, the pool is used up, the backup is two days old, and a container nears its memory limit")
    gateway.errors, gateway.memory = 20, 480 * MEBI
    os.utime(gateway.backup, (time.time() - 2 * 86400,) * 2)
    sessions = gateway.sessions(5)
    stack.alert("BudgetguardBackupOld", receiver="pager")
    stack.alert("BudgetguardErrorRateHigh", receiver="pager")
    stack.alert("BudgetguardPoolNearLimit", receiver="team", user="api")
    stack.alert("BudgetguardMemoryNearLimit", receiver="team")
    stack.action("api-memory", "started", "effective")
    for session in sessions:
        session.kill()
    os.utime(gateway.backup)
    gateway.errors = 0
    (call,) = stack.called("kubectl set resources", 1)
    if call["to"] != "memory=768Mi":
        raise Failed(f"another limit was set: {call}")


def hang(stack: Stack, gateway: Gateway, since: float) -> None:
    stack.chapter("kubectl has never ended: what it did is read back, and not done again")
    calls = len(stack.calls("kubectl scale"))
    stack.action("workers-by-length", "started", "unknown", since=since)
    gateway.pace = 40.0
    stack.action("workers-by-length", "succeeded", "effective", since=since)
    stack.once("workers-by-length", 1, since=since)
    stack.called("kubectl scale", calls)
    for name in ("QueueLong", "BackupOld", "ErrorRateHigh", "PoolNearLimit", "MemoryNearLimit"):
        stack.no_alert("Budgetguard" + name)


def lie(stack: Stack, gateway: Gateway) -> float:
    stack.chapter("Somebody stops four workers by hand, and then kubectl lies; meanwhile tenants spend, and the API's memory runs out again")
    since = stack.mark()
    gateway.pace, gateway.memory = 1.0, 740 * MEBI
    stack.cloud.put(WORKERS, replicas=4)
    stack.cloud.behave("kubectl scale", "lie")
    gateway.fill(750)
    gateway.spend(1, 85)
    gateway.spend(2, 1001)
    gateway.postgres.sql("UPDATE tenants SET daily_budget_usd = 100000 WHERE name = 'globex'", database="budgetguard")
    stack.alert("BudgetNearlySpent", receiver="accounts", inhibited=False, tenant="acme", period="day")
    stack.alert("BudgetSpent", receiver="accounts", tenant="globex", period="month")
    stack.alert("BudgetNearlySpent", inhibited=True, tenant="globex", period="month")
    stack.never("BudgetSpent", tenant="acme")
    stack.never("BudgetNearlySpent", tenant="acme", period="month")
    gateway.postgres.sql("UPDATE tenants SET daily_budget_usd = 100000, monthly_budget_usd = 100000", database="budgetguard")
    stack.action("workers-by-length", "adopted", "started", "failed", since=since)
    stack.idle("workers-by-length", "cooldown")
    stack.alert("TocsinActionFailed", receiver="team", action="workers-by-length")
    stack.no_alert("BudgetNearlySpent")
    stack.no_alert("BudgetSpent")
    return since


def at_the_end(stack: Stack, since: float) -> None:
    stack.chapter("Somebody starts ten workers by hand: there is an end to more, as with the memory")
    stack.once("workers-by-length", 1, since=since)
    stack.cloud.behave("kubectl scale", "ok")
    stack.cloud.put(WORKERS, replicas=10)
    calls = len(stack.calls("kubectl scale"))
    stack.action("workers-by-length", "adopted", reason="to 10", since=since)
    stack.idle("workers-by-length", "already at the maximum")
    stack.idle("api-memory", "already at the top rung")
    stack.alert("TocsinActionLadderAtEnd", receiver="team", action="api-memory")
    stack.called("kubectl scale", calls)
    stack.called("kubectl set resources", 1)


def story(stack: Stack) -> None:
    gateway = begin(stack)
    more_workers(stack, gateway)
    stuck_and_gone(stack, gateway)
    fewer_workers(stack)
    dependencies(stack, gateway)
    since = stack.mark()
    old_token(stack, gateway)
    troubles(stack, gateway)
    hang(stack, gateway, since)
    at_the_end(stack, lie(stack, gateway))


if __name__ == "__main__":
    Stack.main(__file__, story, factor=150)
