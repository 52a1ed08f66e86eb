#!/usr/bin/env python3
"""CPU per probe: tocsin beside blackbox_exporter and redis_exporter, against the same local servers, in turns in one run.

Two regimes: saturated (as fast as it goes) and paced (100 probes a second). An exporter is asked as Prometheus asks it: one HTTP
request a probe, on kept connections. tocsin probes by itself, and is scraped once every 5 seconds meanwhile."""
import argparse
import concurrent.futures
import http.client
import statistics
import threading
import time

from peers import House, count_samples, cpu_seconds, free_port, get, metric, spread, wait_http

RATE = 100


class Asker:
    """Asks an exporter for one probe after another, on one kept connection a thread."""

    def __init__(self, port, path):
        self.port, self.path, self.local = port, path, threading.local()

    def ask(self):
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", self.path)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit("bench: %s answered %d" % (self.path, answer.status))


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
    probes = (saturate if regime == "saturated" else pace)(asker, seconds)
    return (cpu_seconds(process) - before) / probes


def tocsin_config(kind, port, regime):
    # Saturated: more is due on each tick than can be done at leisure. Paced: 100 targets, each once a second.
    targets = 100 if regime == "paced" else 300
    interval = "1s" if regime == "paced" else "100ms"
    url = "redis://127.0.0.1:%d" % port if kind == "redis" else "http://127.0.0.1:%d/health" % port
    jobs = "".join("  - {job: j%d, targets: ['%s']}\n" % (n, url) for n in range(targets))
    return "global: {probe_interval: %s, probe_timeout: 1s, confirm: 0s}\npacks: []\nprobes:\n%s" % (interval, jobs)


def tocsin_cost(house, binary, kind, port, regime, seconds):
    web = free_port()
    config = house.path("tocsin.%s.%s.yml" % (kind, regime), tocsin_config(kind, port, regime))
    # Timeouts shorter than the interval are refused nowhere; a probe still under way is skipped, and not counted.
    process = house.start(binary, "run", "--config", config, "--listen", "127.0.0.1:%d" % web)
    try:
        url = "http://127.0.0.1:%d/metrics" % web
        wait_http(url)
        time.sleep(2)
        text = get(url)
        before_cpu, before = cpu_seconds(process), metric(text, "tocsin_probes_total")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(min(5.0, max(0.0, until - time.monotonic())))
            text = get(url, timeout=30)
        probes = metric(text, "tocsin_probes_total") - before
        # The pages that were served are in the cost: the exporters' are too.
        cost = (cpu_seconds(process) - before_cpu) / probes
        one = [line for line in text.splitlines() if 'job="j0"' in line]
        return cost, probes / seconds, len(one)
    finally:
        process.kill()
        process.wait()


def compare(house, args, kind, regime, exporter, asker, server_port):
    tocsin, peer, ratios, metrics = [], [], [], 0
    rate = 0.0
    for _ in range(args.rounds):
        cost, rate, metrics = tocsin_cost(house, args.tocsin, kind, server_port, regime, args.seconds)
        other = exporter_cost(exporter, asker, regime, args.seconds)
        tocsin.append(cost * 1e6)
        peer.append(other * 1e6)
        ratios.append(other / cost)
    name = "redis_exporter" if kind == "redis" else "blackbox_exporter"
    samples = count_samples(get("http://127.0.0.1:%d%s" % (asker.port, asker.path)))
    print("%-5s %-9s tocsin %s us a probe, %d metrics, %.0f probes/s" % (kind, regime, spread(tocsin), metrics, rate))
    print("%-15s %s us a probe, %d metrics" % ("", name + " " + spread(peer), samples))
    print("%-15s ratio %s -> tocsin takes 1/%.1f" % ("", spread(ratios), statistics.median(ratios)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tocsin", required=True)
    parser.add_argument("--seconds", type=float, default=6)
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
        for regime in ("saturated", "paced"):
            compare(house, args, "http", regime, blackbox, ask_http, nginx)
            compare(house, args, "redis", regime, redis_exporter, ask_redis, redis)


if __name__ == "__main__":
    main()
