#!/usr/bin/env python3
"""What many targets cost: 100, 1,000 and 10,000 HTTP targets, asked 500 times a second in all, whichever they are.

One nginx answers on all addresses of the loopback network; every target has an address of its own. The sizes take turns: in each, tocsin is
started anew, runs until each target has been asked twice, and is then watched for a whole number of intervals. Its processor time a probe
should not grow with the targets: each size is held against the smallest of the same round. Probes and their failures are counted in what
tocsin has stored. No page is fetched meanwhile, since a page costs by the target. With --rules the rules that tocsin brings for HTTP are
evaluated every 15 seconds; that, too, costs by the target."""
import argparse
import math
import statistics
import time

from peers import House, cpu_seconds, free_port, loopback, memory_kib, query, spread, wait_http

SIZES = (100, 1000, 10000)
RATE = 500
GOAL = 1.2


def turn(house, args, size, server_port):
    """CPU seconds a probe, probes, failures, and resident MiB of one tocsin."""
    interval = size / RATE
    web = free_port()
    targets = ", ".join("'http://%s:%d/health'" % (address, server_port) for address in loopback(size))
    config = house.path("tocsin.%d.yml" % size, """global: {probe_interval: %dms, probe_timeout: 1s, confirm: 0s}
%sprobes: [{job: web, targets: [%s]}]
""" % (interval * 1000, "" if args.rules else "packs: []\n", targets))
    process = house.start(args.tocsin, "run", "--config", config, "--listen", "127.0.0.1:%d" % web)
    try:
        url = "http://127.0.0.1:%d" % web
        wait_http(url + "/-/ready", 30 + 2 * interval)
        time.sleep(2 + 2 * interval)
        begin, before = time.time(), cpu_seconds(process)
        time.sleep(math.ceil(args.seconds / interval) * interval)
        end, after = time.time(), cpu_seconds(process)
        time.sleep(1.5)  # probes that began before the end bring their samples later
        window = "[%dms]" % round((end - begin) * 1000)
        probes = query(url, "sum(count_over_time(probe_success%s))" % window, end)
        good = query(url, "sum(sum_over_time(probe_success%s))" % window, end)
        return (after - before) / probes, probes, probes - good, probes / (end - begin), memory_kib(process)[0] / 1024
    finally:
        process.kill()
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tocsin", required=True)
    parser.add_argument("seconds", type=float, nargs="?", default=40, help="how long each turn is watched at least")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rules", action="store_true")
    args = parser.parse_args()
    costs = {size: [] for size in SIZES}
    with House() as house:
        server = free_port()
        house.nginx(server, "0.0.0.0")
        for n in range(args.rounds):
            for size in SIZES:
                cost, probes, failed, rate, resident = turn(house, args, size, server)
                costs[size].append(cost * 1e6)
                print("round %d, %5d targets: %.1f us a probe; %d probes, %d failed, %.0f a second; resident %.0f MiB" %
                      (n + 1, size, cost * 1e6, probes, failed, rate, resident), flush=True)
                if failed > probes / 1000 or not 0.98 < rate / RATE < 1.02:
                    raise SystemExit("bench: the work was not equal")
    for size in SIZES:
        ratios = [cost / least for cost, least in zip(costs[size], costs[SIZES[0]])]
        print("%5d targets: us a probe %s; times that of %d: %s" % (size, spread(costs[size]), SIZES[0], spread(ratios)))
    worst = max(statistics.median(cost / least for cost, least in zip(costs[size], costs[SIZES[0]])) for size in SIZES)
    print("processor time a probe grows to %.2f times, goal %.1f: %s" % (worst, GOAL, "met" if worst <= GOAL else "MISSED"))


if __name__ == "__main__":
    main()
