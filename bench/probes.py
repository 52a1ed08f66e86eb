#!/usr/bin/env python3
"""CPU per probe: tocsin beside blackbox_exporter, redis_exporter and postgres_exporter, against the same local servers, in turns in one run.

Three regimes: busy (an exporter as fast as four askers go, tocsin at 5000 HTTP or 1000 Redis probes a second, in bursts; PostgreSQL needs some
milliseconds of its own for each probe, so there it is 120), full (the exporter likewise, tocsin at 15000 HTTP or 3000 Redis probes a second,
near what the servers can answer beside it) and paced (100 a second). An exporter is asked as Prometheus asks it: one HTTP
request a probe, on kept connections, with gzip; each target at the loopback address at which tocsin probes it, too. tocsin probes by itself: its
cost is given both alone and with its /metrics page, asked for in the same way every 5 seconds; the ratio, held against the goal, is of the latter.
That the probes succeed is checked on both sides, and that
tocsin gives each metric that the exporter gives: the names that it does not are printed.

Debian's postgres_exporter gives nothing by table, tocsin 29 series each (as later exporters do): --tables says how many there are."""
import argparse
import concurrent.futures
import gzip
import http.client
import itertools
import statistics
import threading
import time

from peers import SCRAPE, House, cpu_seconds, free_port, get, loopback, metric, spread, wait_http

# Targets and how often each is asked.
REGIMES = {("http", "busy"): (1000, 0.2), ("redis", "busy"): (400, 0.4), ("postgres", "busy"): (60, 0.5),
           ("http", "full"): (3000, 0.2), ("redis", "full"): (1200, 0.4),
           ("http", "paced"): (100, 1), ("redis", "paced"): (100, 1), ("postgres", "paced"): (100, 1)}
GOALS = {"http": 15, "redis": 25, "postgres": 10}
EXPORTERS = {"http": "blackbox_exporter", "redis": "redis_exporter", "postgres": "postgres_exporter"}
PAGE_EVERY = 5.0


class Failed(Exception):
    """A round that says nothing, since the server could not keep up."""


class Asker:
    """Asks an exporter for one probe after another, on one kept connection a thread. `path` may name the `address` to
    probe: then each of the targets has its turn, at the address that tocsin probes, too."""

    def __init__(self, port, path):
        self.port, self.template, self.local = port, path, threading.local()
        self.spread(1)

    def spread(self, targets):
        self.paths = [self.template.replace("{address}", address) for address in loopback(targets)]
        self.turn = itertools.count()

    @property
    def path(self):
        return self.paths[0]

    def ask(self):
        path = self.paths[next(self.turn) % len(self.paths)]
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers=SCRAPE)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit("bench: %s answered %d" % (path, answer.status))
        return body

    def check(self):
        text = gzip.decompress(self.ask()).decode()
        if metric(text, "probe_success") + metric(text, "redis_up") + metric(text, "pg_up") != 1:
            raise SystemExit("bench: the probe by %s failed" % self.path)


def drive(asker, seconds, rate=None, threads=4):
    """Asks from four threads, as fast as it goes or at a rate in all; gives how often."""
    begin = time.monotonic()

    def work():
        n = 0
        while time.monotonic() < begin + seconds:
            asker.ask()
            n += 1
            if rate is not None:
                time.sleep(max(0.0, begin + n * threads / rate - time.monotonic()))
        return n
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return sum(f.result() for f in [pool.submit(work) for _ in range(threads)])


def exporter_cost(process, asker, kind, regime, seconds):
    """CPU seconds a probe, and probes a second."""
    targets, interval = REGIMES[kind, regime]
    asker.spread(targets)
    begin, before = time.monotonic(), cpu_seconds(process)
    probes = drive(asker, seconds, targets / interval if regime == "paced" else None)
    return (cpu_seconds(process) - before) / probes, probes / (time.monotonic() - begin)


def tocsin_config(kind, port, regime):
    """Targets that all reach the one server, each at an address of its own, as a fleet's do (a host is not asked by many at a time)."""
    targets, seconds = REGIMES[kind, regime]
    url = {"http": "http://%s:%d/health", "redis": "redis://%s:%d", "postgres": "postgresql://postgres@%s:%d/postgres?sslmode=disable"}[kind]
    jobs = "".join("  - {job: j%d, targets: ['%s']}\n" % (n, url % (address, port)) for n, address in enumerate(loopback(targets)))
    return "global: {probe_interval: %dms, probe_timeout: 1s, confirm: 0s}\npacks: []\nprobes:\n%s" % (seconds * 1000, jobs)


def names_of(lines):
    """The metrics that a target gave; what an exporter says of itself is left out."""
    own = ("go_", "process_", "promhttp_", "redis_exporter_", "postgres_exporter_", "tocsin_")
    found = {line.split("{")[0].split(" ")[0] for line in lines if line and not line.startswith("#")}
    return {name for name in found if not name.startswith(own)}


def failures_of(text):
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("tocsin_probe_failures_total{"))


def tocsin_cost(house, binary, kind, port, regime, seconds):
    """CPU seconds a probe with pages and without, probes a second, and the lines of one target."""
    web = free_port()
    config = house.path("tocsin.%s.%s.yml" % (kind, regime), tocsin_config(kind, port, regime))
    process = house.start(binary, "run", "--config", config, "--listen", "127.0.0.1:%d" % web)
    try:
        url = "http://127.0.0.1:%d/metrics" % web
        wait_http(url)
        time.sleep(2 + REGIMES[kind, regime][1])
        get(url, 30, SCRAPE)
        marks, alone_cpu, alone_seconds = [], 0.0, 0.0
        for n in range(max(1, round(seconds / PAGE_EVERY)) + 1):
            cpu, now = cpu_seconds(process), time.monotonic()
            if n > 0:
                alone_cpu, alone_seconds = alone_cpu + cpu - after_cpu, alone_seconds + now - after
            text = get(url, 30, SCRAPE)
            marks.append((cpu, now, metric(text, "tocsin_probes_total"), failures_of(text)))
            after_cpu, after = cpu_seconds(process), time.monotonic()
            time.sleep(max(0.0, PAGE_EVERY - (after - now)))
        # From before a page to before a later one: as many pages as there were times of PAGE_EVERY.
        cpu, took, probes, failed = (last - first for first, last in zip(marks[0], marks[-1]))
        if failed > probes / 1000:
            raise Failed("%d of tocsin's %d probes failed" % (failed, probes))
        one = [line for line in text.splitlines() if 'job="j0"' in line]
        return cpu / probes, alone_cpu / alone_seconds * took / probes, probes / took, one
    finally:
        process.kill()
        process.wait()


def compare(house, args, kind, regime, exporter, asker, server_port):
    tocsin, alone, peer, ratios = [], [], [], []
    for _ in range(args.rounds):
        try:
            cost, without, rate, lines = tocsin_cost(house, args.tocsin, kind, server_port, regime, args.seconds)
        except Failed as failed:
            print("%-8s %-6s a round is left out: %s" % (kind, regime, failed), flush=True)
            continue
        asker.check()
        other, peer_rate = exporter_cost(exporter, asker, kind, regime, args.seconds)
        tocsin.append(cost * 1e6)
        alone.append(without * 1e6)
        peer.append(other * 1e6)
        ratios.append(other / cost)
    if not ratios:
        return
    page = get("http://127.0.0.1:%d%s" % (asker.port, asker.path)).splitlines()
    samples = sum(1 for line in page if names_of([line]))
    missing = sorted(names_of(page) - names_of(lines))
    median = statistics.median(ratios)
    print("%-8s %-6s tocsin %s us a probe, %d metrics, %.0f probes/s" % (kind, regime, spread(tocsin), len(lines), rate))
    print("%-15s without its page %s us a probe" % ("", spread(alone)))
    print("%-15s %s us a probe, %d metrics, %.0f probes/s" % ("", EXPORTERS[kind] + " " + spread(peer), samples, peer_rate))
    print("%-15s names that tocsin lacks: %s" % ("", ", ".join(missing) or "none"))
    print("%-15s ratio %s -> tocsin takes 1/%.1f, goal 1/%d: %s" %
          ("", spread(ratios), median, GOALS[kind], "met" if median >= GOALS[kind] else "MISSED"), flush=True)


def http_case(house, _):
    """The server that is asked, and its exporter: a process, how it is asked, and the server's port."""
    server, web = free_port(), free_port()
    house.nginx(server, "0.0.0.0")
    module = house.path("blackbox.yml", "modules: {http_2xx: {prober: http, http: {preferred_ip_protocol: ip4}}}\n")
    exporter = house.start("prometheus-blackbox-exporter", "--config.file=" + module, "--web.listen-address=127.0.0.1:%d" % web,
                           "--log.level=error")
    wait_http("http://127.0.0.1:%d/metrics" % web)
    return exporter, Asker(web, "/probe?module=http_2xx&target=http://{address}:%d/health" % server), server


def redis_case(house, _):
    server, web = free_port(), free_port()
    house.redis(server, "0.0.0.0")
    exporter = house.start("prometheus-redis-exporter", "-web.listen-address", "127.0.0.1:%d" % web, "-redis.addr",
                           "redis://127.0.0.1:%d" % server)
    wait_http("http://127.0.0.1:%d/metrics" % web)
    return exporter, Asker(web, "/scrape?target=redis://{address}:%d" % server), server


def postgres_case(house, args):
    server, web = free_port(), free_port()
    house.postgres(server, args.tables)
    source = {"DATA_SOURCE_NAME": "postgresql://postgres@127.0.0.1:%d/postgres?sslmode=disable" % server}
    exporter = house.start("prometheus-postgres-exporter", "--web.listen-address=127.0.0.1:%d" % web, "--log.level=error", env=source)
    wait_http("http://127.0.0.1:%d/metrics" % web)
    return exporter, Asker(web, "/metrics"), server


SERVERS = {"http": http_case, "redis": redis_case, "postgres": postgres_case}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tocsin", required=True)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", choices=sorted(EXPORTERS), default=sorted(EXPORTERS))
    parser.add_argument("--tables", type=int, default=0)
    args = parser.parse_args()
    with House() as house:
        cases = {kind: SERVERS[kind](house, args) for kind in args.kinds}
        for regime in ("busy", "full", "paced"):
            for kind, (exporter, asker, port) in cases.items():
                if (kind, regime) in REGIMES:
                    compare(house, args, kind, regime, exporter, asker, port)


if __name__ == "__main__":
    main()
