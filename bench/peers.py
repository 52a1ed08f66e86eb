"""What the benchmarks share: processes on free ports, in a temporary folder, and how much processor time they took."""
import glob
import gzip
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class House:
    """Starts processes and ends them all when it is left."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="tocsin-bench.")
        self.processes = []
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name, text=None):
        path = os.path.join(self.folder, name)
        if text is not None:
            with open(path, "w") as f:
                f.write(text)
        return path

    def start(self, *argv, env=None):
        log = open(self.path("log.%d" % len(self.processes)), "wb")
        process = subprocess.Popen([str(a) for a in argv], stdout=log, stderr=log, env={**os.environ, **(env or {})})
        process.log = log.name
        self.processes.append(process)
        return process

    def check(self):
        """Ends the benchmark if one of the processes ended by itself."""
        for process in self.processes:
            if process.poll() is not None:
                with open(process.log, errors="replace") as f:
                    raise SystemExit("bench: %s ended with %d:\n%s" % (process.args[0], process.returncode, f.read()[-2000:]))

    def redis(self, port, bind="127.0.0.1"):
        process = self.start("redis-server", "--port", port, "--bind", bind, "--protected-mode", "no", "--save", "", "--dir", self.folder)
        wait_port(port)
        return process

    def postgres(self, port, tables=30):
        """A server with a few tables, run by the user postgres where we are root. One that was killed is started again."""
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        data = self.path("postgres")
        wrap = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] if os.geteuid() == 0 else []
        first = not os.path.exists(data)
        if first:
            os.mkdir(data, 0o700)
            if wrap:
                os.chmod(self.folder, 0o755)
                shutil.chown(data, "postgres", "postgres")
            subprocess.run(wrap + [programs + "/initdb", "-D", data, "-U", "postgres", "--auth=trust", "-N", "--locale=C"], check=True,
                           stdout=subprocess.DEVNULL)
        server = [*wrap, programs + "/postgres", "-D", data, "-p", port, "-c", "listen_addresses=0.0.0.0", "-c",
                  "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=300"]
        process = self.start(*server)

        def answers(command="SELECT 1"):
            nonlocal process
            if process.poll() is not None:  # children of the killed one were still there
                process = self.start(*server)
            return subprocess.run([programs + "/psql", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-c", command],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
        wait_for("PostgreSQL", answers)
        if first and tables and not answers("".join("CREATE TABLE t%d (n int PRIMARY KEY);" % n for n in range(tables))):
            raise SystemExit("bench: no tables could be made")
        return process

    def nginx(self, port, address="127.0.0.1"):
        config = self.path("nginx.%d.conf" % port, """daemon off; master_process off; pid nginx.%d.pid; error_log stderr warn;
events { worker_connections 4096; }
http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  server { listen %s:%d backlog=4096; location /health { default_type text/plain; return 200 "ok\\n"; } } }""" % (port, address, port))
        process = self.start(shutil.which("nginx") or "/usr/sbin/nginx", "-p", self.folder, "-e", "stderr", "-c", config)
        wait_port(port)
        return process

    def alertmanager(self, port):
        config = self.path("alertmanager.yml", "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        process = self.start("prometheus-alertmanager", "--config.file=" + config, "--storage.path=" + self.path("am"),
                             "--web.listen-address=127.0.0.1:%d" % port, "--cluster.listen-address=")
        wait_http("http://127.0.0.1:%d/-/ready" % port)
        return process


# What Prometheus asks for.
SCRAPE = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip", "User-Agent": "Prometheus"}


def get(url, timeout=5, headers=None):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=timeout) as answer:
        body = answer.read()
        return (gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body).decode()


def get_json(url, timeout=5):
    return json.loads(get(url, timeout))


def query(url, expression, at=None):
    """The value of an expression that gives one number, by the API that Prometheus and tocsin have; nothing gives 0."""
    asked = {"query": expression, **({} if at is None else {"time": "%.3f" % at})}
    result = get_json(url + "/api/v1/query?" + urllib.parse.urlencode(asked), 60)["data"]["result"]
    return float(result[0]["value"][1]) if result else 0.0


def loopback(count):
    """So many addresses of this machine: 127.1.0.1 and on."""
    return ["127.%d.%d.%d" % (1 + n // 62500, n // 250 % 250, 1 + n % 250) for n in range(count)]


def wait_for(what, condition, seconds=30, step=0.05):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if condition():
                return
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
            pass
        time.sleep(step)
    raise SystemExit("bench: %s did not happen within %d s" % (what, seconds))


def wait_port(port):
    def open_():
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    wait_for("port %d" % port, open_)


def wait_http(url, seconds=30):
    wait_for(url, lambda: get(url) is not None, seconds)


def cpu_seconds(process):
    """User and system time that the process has taken, of all its threads, from its CPU clock (nanoseconds, not ticks)."""
    return time.clock_gettime((~process.pid << 3) | 2)


def memory_kib(process):
    """Resident and proportional set size, and the largest resident one so far."""
    found = {}
    for name in ("status", "smaps_rollup"):
        with open("/proc/%d/%s" % (process.pid, name)) as f:
            for line in f:
                words = line.split()
                if words[0] in ("VmRSS:", "VmHWM:", "Pss:"):
                    found[words[0]] = int(words[1])
    return found["VmRSS:"], found["Pss:"], found["VmHWM:"]


def metric(text, name):
    for line in text.splitlines():
        if line.startswith(name + " ") or line.startswith(name + "{"):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def spread(values):
    return "median %.4g (min %.4g, max %.4g, n=%d)" % (statistics.median(values), min(values), max(values), len(values))
