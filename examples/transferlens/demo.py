#!/usr/bin/env python3
"""A prediction site with a daily job, live: real PostgreSQL over TLS, Redis and Alertmanager; stand-ins for API and web, fly and Render's HTTP API."""
import shutil
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from processes import Failed, Process, find_program  # noqa: E402
from render_api import RenderApi  # noqa: E402
from stack import Stack  # noqa: E402
from stub_app import Answer, App, Request  # noqa: E402

MACHINES, WEB = "fly/transferlens-api", "render/srv-transferlens-web"
SCHEMA = """
CREATE TABLE pipeline_runs (id bigserial PRIMARY KEY, status text NOT NULL, finished_at timestamptz);
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO pipeline_runs (status, finished_at) VALUES ('succeeded', now() - interval '3 hours');
INSERT INTO alembic_version VALUES ('4f1c');
GRANT SELECT ON pipeline_runs, alembic_version TO monitor;
"""


class Sleeper:
    """A database that falls asleep when nobody is connected for a while, and needs a moment to wake up: a way to a real one that does so."""

    def __init__(self, port: int, behind: int, *, sleeps_after: float, cold_start: float) -> None:
        self.behind, self.sleeps_after, self.cold_start = behind, sleeps_after, cold_start
        self.woken, self._open, self._last = 0, 0, time.monotonic()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def asleep(self) -> bool:
        return self._open == 0 and time.monotonic() - self._last > self.sleeps_after

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            cold = self.asleep
            self.woken += cold
            self._open += 1
        try:
            if cold:
                time.sleep(self.cold_start)
            with client, socket.create_connection(("127.0.0.1", self.behind)) as server:
                back = threading.Thread(target=self._pass, args=(server, client), daemon=True)
                back.start()
                self._pass(client, server)
                back.join()
        except OSError:
            pass
        finally:
            with self._lock:
                self._open -= 1
                self._last = time.monotonic()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for each in (source, target):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Site:
    """The API, the web and all that they need; what happens to them is said by these few attributes."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.requests, self.memory = 20, 120   # at once, of all machines; MB of each
        self.revision = "4f1c"                 # that the API was built for
        self.crowded = False                   # whether one instance of the web is too few
        self.database = True                   # what the API says of it
        self.api = stack.app("transferlens-api", tls=True)
        self.web = stack.app("transferlens-web", tls=True)
        self.plain = stack.app("transferlens-plain")
        self.cors = self.web.url
        self.api.route("/health", self._health)
        self.api.route("/metrics", body=self._metrics)
        self.web.route("/", lambda _: Answer(body="<html>", latency=0.7 if self.crowded and stack.cloud.get(WEB)["count"] < 2 else 0.0))
        self.plain.route("/", status=308, headers={"Location": self.web.url + "/"})
        self._servers()

    def _servers(self) -> None:
        stack = self.stack
        self.redis = stack.redis()
        self.postgres = stack.postgres(tls=True, client_connection_check_interval="500ms")
        self.postgres.sql("CREATE ROLE monitor LOGIN PASSWORD 'm0nitor' IN ROLE pg_monitor")
        self.postgres.sql("CREATE ROLE transferlens LOGIN")
        for database in ("transferlens", "preview"):
            self.postgres.sql(f"CREATE DATABASE {database}")
        self.postgres.sql(SCHEMA, database="transferlens")
        stack.secret("postgres", "m0nitor")
        shutil.copy(stack.certificates.ca, stack.secrets / "postgres-ca.pem")
        # Neon's five minutes, on the demo's clock.
        self.preview = Sleeper(stack.port("PREVIEW_PORT"), self.postgres.port, sleeps_after=300 / stack.factor, cold_start=2.5)
        stack.cloud.put("fly_account", token=stack.secret("fly", "fm2_good"))
        stack.cloud.put(MACHINES, count=1, memory=256)
        self.render = RenderApi(stack.cloud, port=stack.port("RENDER_PORT"), key=stack.secret("render", "rnd_demo"))
        stack.closers.append(self.render.app.stop)
        stack.cloud.put(WEB, count=1)
        stack.env |= {"API": f"127.0.0.1:{self.api.port}", "WEB": f"127.0.0.1:{self.web.port}", "WEB_PLAIN": f"127.0.0.1:{self.plain.port}",
                      "DATABASE": f"127.0.0.1:{self.postgres.port}", "PREVIEW_DATABASE": f"127.0.0.1:{stack.env['PREVIEW_PORT']}",
                      "REDIS": f"127.0.0.1:{self.redis.port}", "RENDER_API": self.render.url, "SSL_CERT_FILE": stack.certificates.ca}

    def _health(self, request: Request) -> Answer:
        headers = {"Access-Control-Allow-Origin": self.cors} if self.cors and "origin" in request.headers else {}
        return Answer(status=200 if self.database else 503, body='{"status": "ok"}', headers=headers)

    def _metrics(self) -> str:
        machines = self.stack.cloud.get(MACHINES)
        return (f'http_requests_inprogress{{handler="/predictions",method="GET"}} {self.requests / machines["count"]}\n'
                f"process_resident_memory_bytes {self.memory << 20}\n"
                f"machine_memory_bytes {machines['memory'] << 20}\n"
                f'transferlens_expected_revision{{revision="{self.revision}"}} 1\n')

    def certificate(self, app: App, days: int) -> None:
        """The app is started again with another certificate."""
        app.tls = self.stack.certificates.issue(f"{app.name}-{days}", days=days)
        app.stop()
        app.start()

    def sql(self, text: str) -> None:
        self.postgres.sql(text, database="transferlens")

    def sessions(self, count: int) -> list[Process]:
        """Sessions of the API that are in the middle of something."""
        url = f"postgresql://transferlens@127.0.0.1:{self.postgres.port}/transferlens?sslmode=require"
        return [self.stack.run(f"session-{index}", [find_program("psql"), "-X", url, "-c", "SELECT pg_sleep(300)"]) for index in range(count)]


def begin(stack: Stack) -> Site:
    site = Site(stack)
    stack.say("PostgreSQL over TLS, Redis, API and web, Render's API")
    stack.test_rules()
    stack.alertmanager(routes=[
        ({"alertname": "TransferlensApiDown", "severity": "critical"}, "pager"),
        ({"alertname": "PostgresInstanceDown", "severity": "critical", "system": "transferlens"}, "pager"),
        ({"alertname": "PostgresInstanceDown", "severity": "critical", "system": "transferlens-preview"}, "team"),
        ({"alertname": "RedisInstanceDown", "severity": "critical", "job": "transferlens-redis"}, "team"),
        ({"alertname": "TransferlensCacheDown", "severity": "warning"}, "team"),
        ({"alertname": "MetricsTargetDown", "severity": "critical"}, "team"),
        ({"alertname": "TocsinWatchdog", "severity": "none"}, "dead-mans-switch")])
    stack.env["ALERTMANAGER"] = f"127.0.0.1:{stack.env['ALERTMANAGER_PORT']}"
    stack.tocsin()
    return site


def busy(stack: Stack, site: Site) -> None:
    stack.chapter("190 requests at once on one machine, of the 200 that it takes, while its memory runs out; one alert is silenced, and fly knows another token")
    silence = stack.silence("a load test", alertname="TransferlensApiBusy")
    stack.secret("fly", "fm2_of_last_year")
    site.requests, site.memory = 190, 245
    stack.alert("TransferlensApiBusy", receiver="team", silenced=True)
    stack.alert("TransferlensApiMemoryHigh", receiver="team")
    stack.idle("api-machines", "could not be read.*authenticated")
    stack.idle("api-memory", "could not be read.*authenticated")
    stack.secret("fly", "fm2_good")
    stack.cloud.behave("fly scale memory", "stall")
    stack.command("reload")  # and look again at once: by itself it does within a minute
    stack.idle("api-machines", "silenced")
    stack.called("fly scale count", 0)
    stack.expire(silence)
    stack.command("reload")
    stack.action("api-machines", "started", "effective")
    stack.no_alert("TransferlensApiBusy")
    (call,) = stack.called("fly scale count", 1)
    stack.say("   $ " + " ".join(call["argv"]))


def slow_web(stack: Stack, site: Site) -> float:
    stack.chapter("The web is slow: somebody is asked, says yes, and Render says that it is done, which it is not; meanwhile fly hangs")
    site.crowded = True
    stack.cloud.behave("render scale", "lie")
    stack.alert("TransferlensWebSlow", receiver="team")
    stack.action("more-web", "awaiting_approval")
    stack.alert("TocsinActionApprovalAwaited", receiver="team", action="more-web")
    stack.called("render scale", 0)
    stack.command("actions", "approve", "more-web")
    stack.action("more-web", "started")
    stack.action("api-memory", "started", "unknown", "succeeded", "effective")
    stack.no_alert("TransferlensApiMemoryHigh")
    (call,) = stack.called("fly scale memory", 1)
    stack.say("   $ " + " ".join(call["argv"]) + "    (it never ended: what it did was read back, and not done again)")
    stack.action("more-web", "failed")
    stack.called("render scale", 1)
    stack.cloud.behave("render scale", "ok")
    return stack.mark()


def troubles(stack: Stack, site: Site) -> None:
    stack.chapter("Last night's run failed, the CORS header is gone, http stays http, migrations are behind, connections run out, the cache dies")
    site.sql("UPDATE pipeline_runs SET finished_at = now() - interval '27 hours'")
    site.sql("INSERT INTO pipeline_runs (status, finished_at) VALUES ('failed', now())")
    site.cors, site.revision = "", "9b7e"
    site.plain.route("/", status=200, headers={})
    sessions = site.sessions(14)
    site.redis.process.kill()
    stack.alert("TransferlensPipelineOverdue", receiver="pager")
    stack.alert("TransferlensCorsWrong", receiver="pager")
    stack.alert("TransferlensConnectionsNearLimit", receiver="team")
    stack.alert("TransferlensRedirectMissing", receiver="team")
    stack.alert("TransferlensCacheDown", receiver="team")
    stack.never("RedisInstanceDown")
    stack.alert("TransferlensMigrationsBehind", receiver="team", revision="9b7e")
    site.cors = site.web.url
    for session in sessions:
        session.kill()
    site.redis.process.start()
    site.plain.route("/", status=308, headers={"Location": site.web.url + "/"})
    site.sql("INSERT INTO pipeline_runs (status, finished_at) VALUES ('succeeded', now()); UPDATE alembic_version SET version_num = '9b7e'")
    for name in ("PipelineOverdue", "CorsWrong", "ConnectionsNearLimit", "RedirectMissing", "CacheDown", "MigrationsBehind"):
        stack.no_alert("Transferlens" + name)


def open_to_all(stack: Stack, site: Site) -> None:
    stack.chapter("The CORS header says `*`; a certificate expires in 10 days, another in 2")
    site.cors = "*"
    site.certificate(site.api, 10)
    site.certificate(site.web, 2)
    stack.alert("TransferlensCorsWrong", receiver="pager")
    stack.alert("TransferlensCertificateExpiresVerySoon", receiver="pager", job="transferlens-web")
    stack.alert("TransferlensCertificateExpiresSoon", receiver="team", job="transferlens-api")
    site.cors = site.web.url
    for app in (site.api, site.web):
        site.certificate(app, 90)
    for name in ("CorsWrong", "CertificateExpiresSoon", "CertificateExpiresVerySoon"):
        stack.no_alert("Transferlens" + name)


def more_web(stack: Stack, since: float) -> None:
    stack.chapter("The web is slow still, and Render has been mended: after the cooldown somebody is asked again")
    stack.action("more-web", "awaiting_approval", since=since)
    stack.command("actions", "approve", "more-web")
    stack.action("more-web", "started", "effective", since=since)
    stack.no_alert("TransferlensWebSlow")
    calls = stack.called("render scale", 2)
    if calls[0]["key"] == calls[1]["key"]:
        raise Failed("two runs had one Idempotency-Key")


def gone(stack: Stack, site: Site) -> None:
    stack.chapter("The web dies; then the API does; then the database, and with it the API")
    site.web.stop()
    stack.alert("TransferlensWebDown", receiver="pager", inhibited=False)
    site.web.start()
    site.api.stop()
    stack.alert("TransferlensApiDown", receiver="pager", inhibited=False)
    stack.alert("MetricsTargetDown", receiver="team", inhibited=True)
    site.api.start()
    stack.no_alert("TransferlensApiDown")
    site.postgres.process.kill()
    site.database = False
    stack.alert("PostgresInstanceDown", receiver="pager", job="transferlens-db")
    stack.alert("TransferlensApiDown", inhibited=True)
    site.postgres.process.start()
    site.database = True
    for name in ("TransferlensApiDown", "TransferlensWebDown", "PostgresInstanceDown"):
        stack.no_alert(name)


def asleep(stack: Stack, site: Site) -> None:
    stack.chapter("The database for previews sleeps, and tocsin lets it")
    stack.until("sleep", lambda: site.preview.asleep)
    stack.never("PostgresInstanceDown", job="transferlens-preview-db")
    if not site.preview.woken:
        raise Failed("the sleeping database was never asked")
    age = stack.value('tocsin_probe_age_seconds{job="transferlens-preview-db"}')
    stack.say(f"   it was woken {site.preview.woken} times, each time for {site.preview.cold_start} s, and no alert came of it; what is known of it is {age} s old")


def at_the_end(stack: Stack, site: Site) -> None:
    stack.chapter("More is asked for than there may be")
    site.requests, site.memory = 380, 500
    stack.alert("TransferlensApiBusy")
    stack.alert("TransferlensApiMemoryHigh")
    stack.idle("api-machines", "already at the maximum")
    stack.idle("api-memory", "already at the top rung")
    stack.called("fly scale count", 1)
    stack.called("fly scale memory", 1)


def story(stack: Stack) -> None:
    site = begin(stack)
    busy(stack, site)
    failed = slow_web(stack, site)
    troubles(stack, site)
    open_to_all(stack, site)
    more_web(stack, failed)
    gone(stack, site)
    asleep(stack, site)
    at_the_end(stack, site)


if __name__ == "__main__":
    Stack.main(__file__, story, factor=150)
