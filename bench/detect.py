#!/usr/bin/env python3
"""Time to alert: a service (Redis, PostgreSQL, or a Kafka broker) is killed at random moments; when does Alertmanager's API have the alert?

In one run, of the same kills: tocsin with `confirm: 0s`, tocsin with the default `confirm`, and Prometheus with the service's exporter, all
with intervals of 5 seconds and `for: 0m`."""
import argparse
import random
import statistics
import time

from peers import House, free_port, get_json, spread, wait_for, wait_http
from services import SERVICES

RULES = "groups: [{name: bench, rules: [{alert: ServiceGone, expr: '%s', for: 0m}]}]\n"


def tocsin(house, binary, name, confirm, service, alertmanager):
    web = free_port()
    rules = house.path("rules.yml", RULES % service.missing)
    config = house.path(name + ".yml", """global: {probe_interval: 5s, probe_timeout: 2s, %s evaluation_interval: 5s, external_labels: {by: %s}}
packs: []
probes: [%s]
rule_files: ['%s']
alertmanagers: ['http://127.0.0.1:%d']
""" % (confirm, name, service.job(), rules, alertmanager))
    house.start(binary, "run", "--config", config, "--listen", "127.0.0.1:%d" % web)
    wait_http("http://127.0.0.1:%d/-/ready" % web)
    return "http://127.0.0.1:%d" % web


def prometheus(house, service, alertmanager):
    web = free_port()
    rules = house.path("rules.yml", RULES % service.missing)
    config = house.path("prometheus.yml", """global: {scrape_interval: 5s, scrape_timeout: 2s, evaluation_interval: 5s, external_labels: {by: prometheus}}
rule_files: ['%s']
alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:%d']}]}]}
scrape_configs: [%s]
""" % (rules, alertmanager, service.exporter()))
    house.start("prometheus", "--config.file=" + config, "--storage.tsdb.path=" + house.path("tsdb"), "--web.listen-address=127.0.0.1:%d" % web)
    wait_http("http://127.0.0.1:%d/-/ready" % web)
    return "http://127.0.0.1:%d" % web


def is_up(url, service):
    result = get_json(url + "/api/v1/query?query=" + service.seen.replace(" ", "%20"))["data"]["result"]
    return len(result) == 1 and result[0]["value"][1] == "1"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tocsin", required=True)
    parser.add_argument("--service", choices=sorted(SERVICES), default="redis")
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chance = random.Random(args.seed)
    with House() as house:
        service, alertmanager = SERVICES[args.service](house), free_port()
        service.start()
        print("%s; the peer is %s" % (service.name, service.peer), flush=True)
        house.alertmanager(alertmanager)
        watchers = {"tocsin-confirm-0": tocsin(house, args.tocsin, "tocsin-confirm-0", "confirm: 0s,", service, alertmanager),
                    "tocsin-default": tocsin(house, args.tocsin, "tocsin-default", "", service, alertmanager),
                    "prometheus": prometheus(house, service, alertmanager)}
        times = {name: [] for name in watchers}
        api = "http://127.0.0.1:%d/api/v2/alerts?active=true" % alertmanager

        def firing():
            return {a["labels"]["by"] for a in get_json(api) if a["labels"]["alertname"] == "ServiceGone"}

        for n in range(args.kills):
            for name, url in watchers.items():
                wait_for("%s sees the service" % name, lambda: is_up(url, service))
            wait_for("no alert is left", lambda: not firing(), seconds=60)
            time.sleep(chance.uniform(0.5, 5.5))
            killed = time.monotonic()
            service.process.kill()
            service.process.wait()
            missing = set(watchers)
            while missing:
                for name in firing() & missing:
                    times[name].append(time.monotonic() - killed)
                    missing.discard(name)
                if time.monotonic() - killed > 30:
                    raise SystemExit("bench: no alert of %s in 30 s" % ", ".join(sorted(missing)))
                time.sleep(0.005)
            print("kill %2d: %s" % (n + 1, ", ".join("%s %.3f s" % (name, times[name][-1]) for name in watchers)), flush=True)
            service.start()
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
