#!/usr/bin/env python3
"""How soon tocsin looks again after a kill: from the start of the process to the first request that reaches a target.

An application gives 100,000 series; tocsin keeps them until they are on disk, is killed, and started again: on that disk, and beside it on an
empty folder, in turns. A listening socket takes the time of its first connection."""
import argparse
import http.server
import os
import shutil
import signal
import socket
import statistics
import threading
import time

from peers import House, free_port, spread, query, wait_http

GOAL = 0.1


class Pages(http.server.BaseHTTPRequestHandler):
    body = b""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_):
        pass


def first_connection(listener, seconds):
    """When the next connection comes, by the monotonic clock."""
    listener.settimeout(seconds)
    connection, _ = listener.accept()
    at = time.monotonic()
    connection.close()
    return at


def drain(listener):
    listener.settimeout(0)
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return


def start(house, args, config, web, folder):
    return house.start(args.tocsin, "run", "--config", config, "--listen", "127.0.0.1:%d" % web, "--data-dir", folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tocsin", required=True)
    parser.add_argument("--series", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    Pages.body = "".join('level{shard="%d",zone="z%d"} %d\n' % (n, n % 20, n) for n in range(args.series)).encode()
    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    listener = socket.create_server(("127.0.0.1", 0))
    times = {"samples": [], "empty": []}
    with House() as house:
        web = free_port()
        config = house.path("tocsin.yml", """global: {probe_interval: 1s, probe_timeout: 900ms}
packs: []
probes:
  - {job: quick, targets: ['tcp://127.0.0.1:%d']}
  - {job: app, kind: metrics, max_series: 1000000, max_body: 64MiB, targets: ['http://127.0.0.1:%d/metrics']}
""" % (listener.getsockname()[1], pages.server_address[1]))
        full, empty = house.path("full"), house.path("empty")
        process = start(house, args, config, web, full)
        url = "http://127.0.0.1:%d" % web
        wait_http(url + "/-/ready", 30)
        end = time.time() + 120
        while time.time() < end:
            drain(listener)
            kept = query(url, "tocsin_samples_snapshot_bytes") or 0
            if kept > 2 * args.series and query(url, "count(level)") == args.series:
                break
            time.sleep(1)
        else:
            raise SystemExit("the samples did not get to disk in two minutes")
        time.sleep(30)
        process.send_signal(signal.SIGKILL)
        process.wait()
        size = sum(os.path.getsize(os.path.join(full, "samples", name)) for name in os.listdir(os.path.join(full, "samples")))
        for _ in range(args.rounds):
            for name in times:
                shutil.rmtree(empty, ignore_errors=True)
                shutil.rmtree(house.path("copy"), ignore_errors=True)
                if name == "samples":
                    shutil.copytree(full, house.path("copy"))
                drain(listener)
                begun = time.monotonic()
                process = start(house, args, config, web, house.path("copy") if name == "samples" else empty)
                times[name].append(first_connection(listener, 30) - begun)
                process.send_signal(signal.SIGKILL)
                process.wait()
    pages.shutdown()
    print("start to first probe, %d series, %.1f MB of samples on disk, %d rounds" % (args.series, size / 1e6, args.rounds))
    for name, values in times.items():
        print("  %-8s %s ms" % (name, spread([1000 * value for value in values])))
    worst = statistics.median(times["samples"])
    print("goal: at most %d ms: %s" % (GOAL * 1000, "met" if worst <= GOAL else "missed"))


if __name__ == "__main__":
    main()
