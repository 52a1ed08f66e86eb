#!/usr/bin/env python3
"""CPU per probe: tocsin beside blackbox_exporter and redis_exporter, against the same local servers, in turns in one run.

Two regimes: busy (an exporter as fast as four askers go, tocsin at 5000 HTTP or 2000 Redis probes a second, in bursts) and paced (100 a second). An exporter is asked as Prometheus asks it: one
HTTP request a probe, on kept connections, with gzip. tocsin probes by itself: its cost is given both alone and with its /metrics page,
asked for in the same way every 5 seconds; the ratio is of the latter. That the probes succeed is checked on both sides."""
import argparse
import concurrent.futures
import gzip
import http.client
import statistics
import threading
import time

from peers import SCRAPE, House, count_samples, cpu_seconds, free_port, get, metric, spread, wait_http

RATE = 100
PAGE_EVERY = 5.0


class Asker:
    """Asks an exporter for one probe after another, on one kept connection a thread."""

    def __init__(self, port, path):
        self.port, self.path, self.local = port, path, threading.local()

    def ask(self):
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", self.path, headers=SCRAPE)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit("bench: %s answered %d" % (self.path, answer.status))
        return body

    def check(self):
        text = gzip.decompress(self.ask()).decode()
        if metric(text, "probe_success") + metric(text, "redis_up") != 1:
            raise SystemExit("bench: the probe by %s failed" % self.path)


def saturate(asker, seconds, threads=4):
    until = time.monotonic() + seconds

    def work():
        n = 0
        while time.monotonic() < until:
            asker.ask()
            n += 1
        return n
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return sum(f.result() for f in [pool.submit(work) for _ in range(threads)])


def pace(asker, seconds):
    begin, n = time.monotonic(), 0
    while n < seconds * RATE:
        asker.ask()
        n += 1
        time.sleep(max(0.0, begin + n / RATE - time.monotonic()))
    return n


def exporter_cost(process, asker, regime, seconds):
    before = cpu_seconds(process)
    probes = (saturate if regime == "busy" else pace)(asker, seconds)
    return (cpu_seconds(process) - before) / probes


def tocsin_config(kind, port, regime):
    # Busy: every tick has hundreds of probes to do at once. Paced: 100 targets, each once a second.
    targets = 100 if regime == "paced" else 400 if kind == "redis" else 1000
    interval = "1s" if regime == "paced" else "200ms"
    url = "redis://127.0.0.1:%d" % port if kind == "redis" else "http://127.0.0.1:%d/health" % port
    jobs = "".join("  - {job: j%d, targets: ['%s']}\n" % (n, url) for n in range(targets))
    return "global: {probe_interval: %s, probe_timeout: 1s, confirm: 0s}\npacks: []\nprobes:\n%s" % (interval, jobs)


def failures_of(text):
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("tocsin_probe_failures_total{"))


def tocsin_cost(house, binary, kind, port, regime, seconds):
    """CPU seconds a probe with pages and without, probes a second, and samples of one target."""
    web = free_port()
    config = house.path("tocsin.%s.%s.yml" % (kind, regime), tocsin_config(kind, port, regime))
    process = house.start(binary, "run", "--config", config, "--listen", "127.0.0.1:%d" % web)
    try:
        url = "http://127.0.0.1:%d/metrics" % web
        wait_http(url)
        time.sleep(2)
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
            raise SystemExit("bench: %d of tocsin's %d probes failed" % (failed, probes))
        one = [line for line in text.splitlines() if 'job="j0"' in line]
        return cpu / probes, alone_cpu / alone_seconds * took / probes, probes / took, len(one)
    finally:
        process.kill()
        process.wait()


def compare(house, args, kind, regime, exporter, asker, server_port):
    tocsin, alone, peer, ratios, metrics = [], [], [], [], 0
    rate = 0.0
    for _ in range(args.rounds):
        cost, without, rate, metrics = tocsin_cost(house, args.tocsin, kind, server_port, regime, args.seconds)
        asker.check()
        other = exporter_cost(exporter, asker, regime, args.seconds)
        tocsin.append(cost * 1e6)
        alone.append(without * 1e6)
        peer.append(other * 1e6)
        ratios.append(other / cost)
    name = "redis_exporter" if kind == "redis" else "blackbox_exporter"
    samples = count_samples(get("http://127.0.0.1:%d%s" % (asker.port, asker.path)))
    print("%-5s %-9s tocsin %s us a probe, %d metrics, %.0f probes/s" % (kind, regime, spread(tocsin), metrics, rate))
    print("%-15s without its page %s us a probe" % ("", spread(alone)))
    print("%-15s %s us a probe, %d metrics" % ("", name + " " + spread(peer), samples))
    print("%-15s ratio %s -> tocsin takes 1/%.1f" % ("", spread(ratios), statistics.median(ratios)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tocsin", required=True)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with House() as house:
        redis, nginx = free_port(), free_port()
        house.redis(redis)
        house.nginx(nginx)
        redis_exporter_port, blackbox_port = free_port(), free_port()
        redis_exporter = house.start("prometheus-redis-exporter", "-web.listen-address", "127.0.0.1:%d" % redis_exporter_port,
                                     "-redis.addr", "redis://127.0.0.1:%d" % redis)
        module = house.path("blackbox.yml", "modules: {http_2xx: {prober: http, http: {preferred_ip_protocol: ip4}}}\n")
        blackbox = house.start("prometheus-blackbox-exporter", "--config.file=" + module, "--web.listen-address=127.0.0.1:%d" % blackbox_port,
                               "--log.level=error")
        ask_redis = Asker(redis_exporter_port, "/scrape?target=redis://127.0.0.1:%d" % redis)
        ask_http = Asker(blackbox_port, "/probe?module=http_2xx&target=http://127.0.0.1:%d/health" % nginx)
        wait_http("http://127.0.0.1:%d/metrics" % redis_exporter_port)
        wait_http("http://127.0.0.1:%d/metrics" % blackbox_port)
        for regime in ("busy", "paced"):
            compare(house, args, "http", regime, blackbox, ask_http, nginx)
            compare(house, args, "redis", regime, redis_exporter, ask_redis, redis)


if __name__ == "__main__":
    main()
