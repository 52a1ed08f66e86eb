#!/usr/bin/env python3
"""Time to alert: a Redis server is killed at random moments; when does Alertmanager's API have the alert?

In one run, of the same kills: tocsin with `confirm: 0s`, tocsin with the default `confirm`, and Prometheus with redis_exporter, all with
intervals of 5 seconds and `for: 0m`."""
import argparse
import random
import statistics
import time

from peers import House, free_port, get_json, spread, wait_for, wait_http

RULES = "groups: [{name: bench, rules: [{alert: RedisGone, expr: 'redis_up == 0', for: 0m}]}]\n"


def tocsin(house, binary, name, confirm, redis, alertmanager):
    web = free_port()
    rules = house.path("rules.yml", RULES)
    config = house.path(name + ".yml", """global: {probe_interval: 5s, probe_timeout: 2s, %s evaluation_interval: 5s, external_labels: {by: %s}}
packs: []
probes: [{job: cache, targets: ['redis://127.0.0.1:%d']}]
rule_files: ['%s']
alertmanagers: ['http://127.0.0.1:%d']
""" % (confirm, name, redis, rules, alertmanager))
    house.start(binary, "run", "--config", config, "--listen", "127.0.0.1:%d" % web)
    wait_http("http://127.0.0.1:%d/-/ready" % web)
    return "http://127.0.0.1:%d" % web


def prometheus(house, redis, alertmanager):
    exporter, web = free_port(), free_port()
    house.start("prometheus-redis-exporter", "-web.listen-address", "127.0.0.1:%d" % exporter, "-redis.addr", "redis://127.0.0.1:%d" % redis)
    rules = house.path("rules.yml", RULES)
    config = house.path("prometheus.yml", """global: {scrape_interval: 5s, scrape_timeout: 2s, evaluation_interval: 5s, external_labels: {by: prometheus}}
rule_files: ['%s']
alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:%d']}]}]}
scrape_configs: [{job_name: cache, static_configs: [{targets: ['127.0.0.1:%d']}]}]
""" % (rules, alertmanager, exporter))
    house.start("prometheus", "--config.file=" + config, "--storage.tsdb.path=" + house.path("tsdb"), "--web.listen-address=127.0.0.1:%d" % web)
    wait_http("http://127.0.0.1:%d/-/ready" % web)
    return "http://127.0.0.1:%d" % web


def is_up(url):
    result = get_json(url + "/api/v1/query?query=redis_up")["data"]["result"]
    return len(result) == 1 and result[0]["value"][1] == "1"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tocsin", required=True)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chance = random.Random(args.seed)
    with House() as house:
        redis, alertmanager = free_port(), free_port()
        server = house.redis(redis)
        house.alertmanager(alertmanager)
        watchers = {"tocsin-confirm-0": tocsin(house, args.tocsin, "tocsin-confirm-0", "confirm: 0s,", redis, alertmanager),
                    "tocsin-default": tocsin(house, args.tocsin, "tocsin-default", "", redis, alertmanager),
                    "prometheus": prometheus(house, redis, alertmanager)}
        times = {name: [] for name in watchers}
        api = "http://127.0.0.1:%d/api/v2/alerts?active=true" % alertmanager

        def firing():
            return {a["labels"]["by"] for a in get_json(api) if a["labels"]["alertname"] == "RedisGone"}

        for n in range(args.kills):
            for name, url in watchers.items():
                wait_for("%s sees Redis" % name, lambda: is_up(url))
            wait_for("no alert is left", lambda: not firing(), seconds=60)
            time.sleep(chance.uniform(0.5, 5.5))
            killed = time.monotonic()
            server.kill()
            server.wait()
            missing = set(watchers)
            while missing:
                for name in firing() & missing:
                    times[name].append(time.monotonic() - killed)
                    missing.discard(name)
                if time.monotonic() - killed > 30:
                    raise SystemExit("bench: no alert of %s in 30 s" % ", ".join(sorted(missing)))
                time.sleep(0.005)
            print("kill %2d: %s" % (n + 1, ", ".join("%s %.3f s" % (name, times[name][-1]) for name in watchers)), flush=True)
            server = house.redis(redis)
        for name in watchers:
            print("%-17s seconds: %s" % (name, spread(times[name])))
        for name in watchers:
            if name != "prometheus":
                ratios = [p / t for p, t in zip(times["prometheus"], times[name])]
                print("prometheus / %s: %s" % (name, spread(ratios)))
        for name, goal in (("tocsin-confirm-0", 0.1), ("tocsin-default", 0.7)):
            median = statistics.median(times[name])
            print("%s: median %.3f s, goal %.1f s: %s" % (name, median, goal, "met" if median <= goal else "MISSED"))


if __name__ == "__main__":
    main()
