#!/usr/bin/env python3
"""A fleet: 500 Redis targets, asked every 5 seconds and judged by the 12 public Redis rules, for 20 minutes.

On one side tocsin; on the other Prometheus with one redis_exporter that is asked for each target (/scrape?target=, relabelled, as its manual
says). Both run at the same time, so that whatever else the machine does hits both alike, and each side has a Redis of its own, which listens
on all addresses of the loopback network and is not counted; nor is Alertmanager, which both tell. Counted from when every target has been
seen by both sides: processor time, and memory (resident, and proportional, which does not count pages twice that are shared). That both did
the same work is read from what each has stored, and from the Redis servers themselves."""
import argparse
import os
import subprocess
import time

from peers import House, cpu_seconds, free_port, get_json, loopback, memory_kib, query, spread, wait_for, wait_http

RULES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "rules", "public", "oliver006-redis-exporter.yml")
GOALS = {"processor time": 20, "memory": 8}


class Side:
    """The processes of one side, the address of its API, and its Redis server."""

    def __init__(self, name, processes, url, redis_port):
        self.name, self.processes, self.url, self.redis_port = name, processes, url, redis_port
        self.cpu, self.rss, self.pss = [], [], []

    def sample(self):
        self.cpu.append([cpu_seconds(p) for p in self.processes])
        memory = [memory_kib(p) for p in self.processes]
        self.rss.append(sum(m[0] for m in memory) / 1024)
        self.pss.append(sum(m[1] for m in memory) / 1024)
        self.highest = sum(m[2] for m in memory) / 1024

    def spent(self, first=0, last=-1):
        return sum(self.cpu[last]) - sum(self.cpu[first])

    def seen(self):
        return query(self.url, "sum(redis_up)")

    def asked(self):
        """What the Redis server counted: connections, and INFO commands."""
        text = subprocess.run(["redis-cli", "-p", str(self.redis_port), "info", "all"], check=True, stdout=subprocess.PIPE, text=True).stdout
        lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        return [int(lines["total_connections_received"]), int(lines.get("cmdstat_info", "calls=0").split("calls=")[1].split(",")[0])]


def tocsin(house, binary, targets, redis_port, alertmanager):
    web = free_port()
    jobs = ", ".join("'redis://%s:%d'" % (address, redis_port) for address in targets)
    config = house.path("tocsin.yml", """global: {probe_interval: 5s, probe_timeout: 2s, evaluation_interval: 5s, external_labels: {by: tocsin}}
storage: {path: '%s'}
packs: []
probes: [{job: redis, targets: [%s]}]
rule_files: ['%s']
alertmanagers: ['http://127.0.0.1:%d']
""" % (os.path.join(house.folder, "state"), jobs, RULES, alertmanager))
    process = house.start(binary, "run", "--config", config, "--listen", "127.0.0.1:%d" % web)
    wait_http("http://127.0.0.1:%d/-/ready" % web)
    return Side("tocsin", [process], "http://127.0.0.1:%d" % web, redis_port)


def prometheus(house, targets, redis_port, alertmanager):
    web, exporter = free_port(), free_port()
    # The rule on the system's memory asks for the flag.
    asker = house.start("prometheus-redis-exporter", "-web.listen-address", "127.0.0.1:%d" % exporter, "-redis.addr", "",
                        "-include-system-metrics")
    wait_http("http://127.0.0.1:%d/metrics" % exporter)
    urls = ", ".join("'redis://%s:%d'" % (address, redis_port) for address in targets)
    config = house.path("prometheus.yml", """global: {scrape_interval: 5s, scrape_timeout: 2s, evaluation_interval: 5s, external_labels: {by: prometheus}}
rule_files: ['%s']
alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:%d']}]}]}
scrape_configs:
- job_name: redis
  metrics_path: /scrape
  static_configs: [{targets: [%s]}]
  relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [__param_target], target_label: instance}
  - {target_label: __address__, replacement: '127.0.0.1:%d'}
""" % (RULES, alertmanager, urls, exporter))
    judge = house.start("prometheus", "--config.file=" + config, "--storage.tsdb.path=" + house.path("tsdb"),
                        "--web.listen-address=127.0.0.1:%d" % web)
    wait_http("http://127.0.0.1:%d/-/ready" % web)
    return Side("Prometheus with redis_exporter", [judge, asker], "http://127.0.0.1:%d" % web, redis_port)


def firing(side):
    return sorted({a["labels"]["alertname"] for a in get_json(side.url + "/api/v1/alerts", 60)["data"]["alerts"] if a["state"] == "firing"})


def report(ours, theirs, slices, marks, begin, end):
    equal = True
    for side in (ours, theirs):
        window = "[%ds]" % round(end - begin)
        tries = query(side.url, "sum(count_over_time(%s%s))" % ("redis_up" if side is ours else "up", window), end)
        good = query(side.url, "sum(sum_over_time(redis_up%s))" % window, end)
        series = query(side.url, 'count({__name__=~"redis_.+"})', end)
        connections, infos = (after - before for before, after in zip(*marks[side.name]))
        parts = [last - first for first, last in zip(side.cpu[0], side.cpu[-1])]
        equal = equal and tries - good <= tries / 1000
        print("%s:" % side.name)
        print("  probes %d, failed %d; its Redis saw %d INFO on %d new connections; %d series" % (tries, tries - good, infos, connections, series))
        print("  processor time %.2f s (%s), %.0f us a probe" % (sum(parts), " + ".join("%.2f" % p for p in parts), sum(parts) / tries * 1e6))
        print("  resident %.1f MiB at the end, at most %.1f; proportional %.1f at the end, at most %.1f" %
              (side.rss[-1], side.highest, side.pss[-1], max(side.pss)))
        print("  firing: %s" % ", ".join(firing(side)))
    if not equal:
        raise SystemExit("bench: probes failed, so the work was not equal")
    cuts = [round(n * (len(ours.cpu) - 1) / slices) for n in range(slices + 1)]
    ratios = [theirs.spent(a, b) / ours.spent(a, b) for a, b in zip(cuts, cuts[1:])]
    print("processor time, by %d parts of the run: ratio %s" % (slices, spread(ratios)))
    totals = {"processor time": theirs.spent() / ours.spent(), "memory": max(theirs.pss) / max(ours.pss)}
    print("memory: ratio of proportional at the end %.1f, at most %.1f; resident at the end %.1f, at most %.1f" %
          (theirs.pss[-1] / ours.pss[-1], totals["memory"], theirs.rss[-1] / ours.rss[-1], theirs.highest / ours.highest))
    for what, goal in GOALS.items():
        print("%s: 1/%.1f, goal 1/%d: %s" % (what, totals[what], goal, "met" if totals[what] >= goal else "MISSED"), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tocsin", required=True)
    parser.add_argument("seconds", type=float, nargs="?", default=1200)
    parser.add_argument("--targets", type=int, default=500)
    parser.add_argument("--slices", type=int, default=10)
    args = parser.parse_args()
    with House() as house:
        alertmanager = free_port()
        house.alertmanager(alertmanager)
        servers = [free_port(), free_port()]
        for port in servers:
            house.redis(port, "0.0.0.0")
        targets = loopback(args.targets)
        sides = [tocsin(house, args.tocsin, targets, servers[0], alertmanager), prometheus(house, targets, servers[1], alertmanager)]
        for side in sides:
            wait_for("%s sees every target" % side.name, lambda: side.seen() == args.targets, 60, 1)
        marks = {side.name: [side.asked()] for side in sides}
        begin = time.time()
        while True:
            house.check()
            for side in sides:
                side.sample()
            left = begin + args.seconds - time.time()
            if left <= 0.01:
                break
            time.sleep(min(5.0, left))
        end = time.time()
        for side in sides:
            marks[side.name].append(side.asked())
        time.sleep(2.5)  # probes that began before the end bring their samples later
        report(*sides, min(args.slices, len(sides[0].cpu) - 1), marks, begin, end)


if __name__ == "__main__":
    main()
