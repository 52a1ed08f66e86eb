#!/usr/bin/env python3
"""nexus-engine, live: stand-ins for PBS and IDR and for `fly`, a real Redis and a real PostgreSQL behind TLS and passwords.

    demo.py [--tocsin BINARY] [--once]
"""
import json
import re
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from servers import Postgres, Redis  # noqa: E402
from stack import Failed, Stack  # noqa: E402
from stub_app import Answer, Request  # noqa: E402

COUNT, MEMORY = "fly scale count", "fly scale memory"
AMONG = {"system": "nexus-engine"}
MIB = 1 << 20


class Engine:
    """PBS and IDR on as many machines as the platform says, under such a load."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        key = stack.secret("api-key", "auction-key-7")
        stack.cloud.put("fly_account", token=stack.secret("fly", "fo1_demo_token"))
        stack.cloud.put("fly/nexus-pbs", count=2, memory=256)
        stack.cloud.put("fly/nexus-idr", count=2, memory=256)
        self.requests, self.errors, self.seconds = 15.0, 0.0, 0.02
        self.used = {"pbs": 150, "idr": 160}
        self.idr = stack.app("idr", host="::1")
        self.pbs = [stack.app(f"pbs-{index + 1}", host="::1") for index in range(4)]
        for app in (self.idr, *self.pbs):
            app.require = ("X-API-Key", key)
        for app in self.pbs:
            app.route("/health", self._pbs_health)
        self.machines = 0
        stack.every(0.1, self.work)

    def _pbs_health(self, _: Request) -> Answer:
        runs = self.idr._server is not None
        return Answer(status=200 if runs else 503, body=json.dumps({"status": "ok" if runs else "no bids without IDR"}))

    def work(self) -> None:
        """A tenth of a second of auctions."""
        cloud = self.stack.cloud
        pbs, idr = cloud.get("fly/nexus-pbs"), cloud.get("fly/nexus-idr")
        for app in self.pbs[:pbs["count"]]:
            each = self.requests / pbs["count"] / 10
            app.metrics.add("pbs_requests_total", each * (1 - self.errors), code="200")
            app.metrics.add("pbs_requests_total", each * self.errors, code="502")
            app.metrics.gauge("process_resident_memory_bytes", self.used["pbs"] * MIB)
            app.metrics.gauge("machine_memory_bytes", pbs["memory"] * MIB)
        self.idr.metrics.observe("idr_request_duration_seconds", self.seconds * 2 / idr["count"], times=20)
        self.idr.metrics.gauge("process_resident_memory_bytes", self.used["idr"] * MIB)
        self.idr.metrics.gauge("machine_memory_bytes", idr["memory"] * MIB)
        if pbs["count"] != self.machines:
            self.machines = pbs["count"]
            self.tell_names()

    def tell_names(self) -> None:
        """What nexus-pbs.internal and nexus-idr.internal stand for: a file in place of the platform's name service."""
        folder = self.stack.folder / "names"
        folder.mkdir(exist_ok=True)
        for name, apps in (("pbs", self.pbs[:self.machines]), ("idr", [self.idr])):
            new = folder / f"{name}.new"
            new.write_text(json.dumps([{"targets": [f"http://[::1]:{app.port}" for app in apps]}]))
            new.replace(folder / f"{name}.json")


class Sleeper:
    """The copy for trials: asleep when nobody has asked for three seconds; then it takes two to start."""

    def __init__(self, stack: Stack) -> None:
        self.app, self.asked, self.starts = stack.app("staging", host="::1"), 0.0, 0
        self.app.route("/health", self.answer)

    def answer(self, _: Request) -> Answer:
        asleep = time.monotonic() - self.asked > 3
        self.asked = time.monotonic() + (2 if asleep else 0)
        self.starts += asleep
        return Answer(latency=2.0 if asleep else 0.0)


class Edge:
    """Where TLS ends."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.port = stack, stack.port()
        self.app = stack.app("edge", port=self.port, tls=stack.certificates.issue("edge", days=90))

    def new_certificate(self, days: int) -> None:
        self.app.stop()
        self.app = self.stack.app("edge", port=self.port, tls=self.stack.certificates.issue(f"edge-{days}", days=days))


def start(stack: Stack) -> tuple[Engine, Sleeper, Edge, Redis, Postgres]:
    engine, sleeper, edge = Engine(stack), Sleeper(stack), Edge(stack)
    redis = stack.redis(password=stack.secret("redis", "upstash-password"), tls=True)
    postgres = stack.postgres(tls=True, hba="hostssl all all 127.0.0.1/32 scram-sha-256\n")
    password = stack.secret("postgres", "timescale-password")
    postgres.sql(f"CREATE ROLE monitor LOGIN PASSWORD '{password}'; GRANT pg_monitor TO monitor")
    postgres.sql("CREATE DATABASE engine")
    stack.env |= {"PBS": f"[::1]:{engine.pbs[0].port}", "IDR": f"[::1]:{engine.idr.port}", "PUBLIC": f"127.0.0.1:{edge.port}",
                  "STAGING": f"[::1]:{sleeper.app.port}", "REDIS": f"127.0.0.1:{redis.port}", "DATABASE": f"127.0.0.1:{postgres.port}",
                  "CA_FILE": stack.certificates.ca}
    stack.edit("tocsin.yml", {f"dns_sd: {{names: [nexus-{name}.internal], type: AAAA, port: {port}}}": f"file_sd: [{stack.folder}/names/{name}.json]"
                              for name, port in (("pbs", 8000), ("idr", 5050))})
    stack.until("the names", (stack.folder / "names" / "idr.json").exists)
    stack.say(f"PBS on {engine.machines} machines, IDR, a copy that sleeps, Redis on :{redis.port}, PostgreSQL on :{postgres.port}")
    stack.alertmanager(routes=[
        ({"alertname": "IdrDown", "severity": "critical"}, "pager"), ({"alertname": "IdrSlow", "severity": "warning"}, "channel"),
        ({"alertname": "ServiceAuthRefused", "severity": "warning", "team": "security"}, "security"),
        ({"alertname": "PbsBusy", "severity": "info"}, "notes"), ({"alertname": "TocsinWatchdog", "severity": "none"}, "dead-mans-switch")])
    stack.tocsin()
    return engine, sleeper, edge, redis, postgres


def own(stack: Stack, *names: str) -> list[float]:
    """Metrics of tocsin's own, of one moment."""
    with urllib.request.urlopen(stack.page + "/metrics", timeout=10) as answer:
        text = answer.read().decode()
    values = []
    for name in names:
        found = re.search(rf"^{name}(?:{{[^}}]*}})? ([0-9.e+-]+)$", text, re.MULTILINE)
        if not found:
            raise Failed(f"there is no {name}")
        values.append(float(found[1]))
    return values


def key_changed(stack: Stack, engine: Engine) -> None:
    stack.chapter("IDR's key is changed, and nobody told tocsin: that is not down")
    key, engine.idr.require = engine.idr.require, ("X-API-Key", "another")
    stack.alert("ServiceAuthRefused", receiver="security", service="idr", **AMONG)
    stack.never("IdrDown")
    engine.idr.require = key
    stack.no_alert("ServiceAuthRefused")


def idr_down(stack: Stack, engine: Engine) -> None:
    stack.chapter("IDR dies: one page")
    engine.idr.stop()
    stack.alert("IdrDown", receiver="pager", inhibited=False, **AMONG)
    stack.alert("PbsDown", inhibited=True, **AMONG)
    engine.idr.start()
    stack.no_alert("IdrDown")
    stack.no_alert("PbsDown")


def stores(stack: Stack, redis: Redis, postgres: Postgres) -> None:
    stack.chapter("Redis and PostgreSQL die, and come back; then PostgreSQL's password is another")
    redis.process.kill()
    stack.alert("RedisUnreachable", receiver="pager", **AMONG)
    redis.process.start()
    postgres.process.kill()
    stack.alert("PostgresUnreachable", receiver="pager", **AMONG)
    postgres.process.start()
    stack.no_alert("PostgresUnreachable")
    stack.no_alert("RedisUnreachable")
    postgres.sql("ALTER ROLE monitor PASSWORD 'changed'; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'monitor'")
    stack.alert("TocsinTargetAuthRefused", service="postgres", **AMONG)
    stack.never("PostgresUnreachable")
    postgres.sql("ALTER ROLE monitor PASSWORD 'timescale-password'")


def load(stack: Stack, engine: Engine) -> None:
    stack.chapter("A peak: 90 requests a second, IDR at 70 ms, memory nearly used on both, one answer in five an error")
    stack.command("actions", "pause", "--note", "a deployment is under way")
    engine.requests, engine.seconds, engine.errors = 90.0, 0.07, 0.2
    engine.used |= {"pbs": 240, "idr": 240}


def seen(stack: Stack, engine: Engine) -> None:
    """The alerts of the peak. Actions are paused; then all four targets ask at once, which is too much to be believed."""
    stack.alert("IdrSlow", receiver="channel", **AMONG)
    stack.alert("PbsBusy", receiver="notes", **AMONG)
    stack.alert("ErrorsMany", receiver="pager", **AMONG)
    stack.alert("MemoryNearlyUsed", service="pbs", receiver="channel", **AMONG)
    stack.alert("MemoryNearlyUsed", service="idr", receiver="channel", **AMONG)
    stack.idle("pbs-count", "paused")
    stack.cloud.behave(COUNT, "hang", resource="fly/nexus-pbs")
    stack.cloud.behave(MEMORY, "lie", resource="fly/nexus-pbs")
    stack.command("actions", "resume")
    stack.idle("pbs-count", "4 of 4 .*suspects itself")
    stack.called(COUNT, 0)
    stack.called(MEMORY, 0)


def scaled(stack: Stack, engine: Engine) -> None:
    stack.chapter("Three of the targets go on asking; fly hangs for PBS's count and lies about its memory")
    engine.used["idr"] = 160
    engine.errors = 0.0
    stack.action("idr-count", "started", "succeeded")
    stack.action("pbs-count", "unknown")
    stack.action("idr-count", "effective")
    stack.no_alert("IdrSlow")
    stack.action("pbs-count", "failed", reason="nothing has changed")
    stack.action("pbs-memory", "failed", reason="read back 256 instead of 512")
    call, = stack.called(COUNT, resource="fly/nexus-idr")
    if "--yes" not in call["argv"] or call["to"] != "3":
        raise Failed(str(call["argv"]))
    stack.called(COUNT, resource="fly/nexus-pbs")
    stack.called(MEMORY, resource="fly/nexus-pbs")
    stack.cloud.behave("fly")  # from now on all is well there


def again(stack: Stack) -> None:
    stack.chapter("The cooldown is over, the peak is not, fly works again: as many machines as 25 requests a second each want")
    stack.action("pbs-count", "succeeded", "effective")
    stack.action("pbs-memory", "succeeded", "effective")
    for resource, wanted in (("fly/nexus-pbs", {"count": 4, "memory": 512}), ("fly/nexus-idr", {"count": 3, "memory": 256})):
        if stack.cloud.get(resource) != wanted:
            raise Failed(f"{resource} is {stack.cloud.get(resource)}, not {wanted}")
    stack.no_alert("PbsBusy")
    stack.no_alert("MemoryNearlyUsed", service="pbs")


def moved(stack: Stack, engine: Engine) -> None:
    stack.chapter("Fly's autoscaler gives IDR a fourth machine, and it is slow again; PBS fills its 512 MB; fly's token has run out for IDR's memory")
    stack.cloud.put("fly/nexus-idr", count=4)
    stack.cloud.put("fly_account", token="another")
    engine.seconds, engine.used["idr"] = 0.15, 240
    engine.used["pbs"] = 490
    stack.action("idr-memory", "skipped", reason="could not be read.*unauthorized")
    stack.cloud.put("fly_account", token="fo1_demo_token")
    stack.action("idr-count", "adopted", reason="from 3 to 4")
    stack.action("idr-count", "skipped", reason="maximum, 4")
    stack.action("pbs-memory", "skipped", reason="largest|top|end of")
    stack.action("idr-memory", "started", "succeeded", "effective")
    stack.alert("TocsinActionDrift", action="idr-count")
    stack.alert("TocsinActionLadderAtEnd", receiver="channel", action="pbs-memory")
    for action, times in (("idr-count", 1), ("idr-memory", 1), ("pbs-count", 2), ("pbs-memory", 2)):
        stack.once(action, times)


def sparing(stack: Stack, sleeper: Sleeper, redis: Redis) -> None:
    stack.chapter("What the probes cost")
    used, left, every = own(stack, "tocsin_budget_commands_used", "tocsin_budget_commands_left", "tocsin_budget_interval_seconds")
    info = int(re.search(r"cmdstat_info:calls=(\d+)", redis("INFO", "commandstats"))[1])  # type: ignore[index]
    rest = 86400 - time.time() % 86400  # budgets are of the day in UTC
    stack.say(f"   Redis has had {info} INFO; tocsin says {used:g} used, {left:g} left, one each {every:.2f} s for the {rest / 3600:.1f} hours that the day has left")
    if used + left != 1000 * stack.factor or every < rest / left * 0.9:
        raise Failed("that is not the budget")
    stack.say(f"   the copy for trials was woken {sleeper.starts} times, and asked {sleeper.app.asked['/health']} times")
    stack.never("StagingDown")
    if sleeper.starts < 2 or sleeper.starts != sleeper.app.asked["/health"]:
        raise Failed("it was to be asleep whenever it is asked, and to be asked more than once")


def story(stack: Stack) -> None:
    stack.test_rules()
    engine, sleeper, edge, redis, postgres = start(stack)
    load(stack, engine)
    edge.new_certificate(days=5)
    key_changed(stack, engine)
    seen(stack, engine)
    scaled(stack, engine)
    stack.alert("CertificateExpires", receiver="channel", **AMONG)
    edge.new_certificate(days=90)
    stores(stack, redis, postgres)
    again(stack)
    moved(stack, engine)
    idr_down(stack, engine)
    sparing(stack, sleeper, redis)


if __name__ == "__main__":
    Stack.main(__file__, story)
