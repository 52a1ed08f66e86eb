"""What the demos of the example stacks are written with.

    from stack import Stack                      # after sys.path has examples/lib

    def story(stack: Stack) -> None:
        redis = stack.redis("sessions", port=stack.port("REDIS_PORT"), password=stack.secret("redis", "s3cret"), tls=True)
        app = stack.app("idr", port=stack.port("IDR_PORT"))
        stack.alertmanager(routes=[({"alertname": "IdrDown", "severity": "page"}, "pager")])
        stack.tocsin()
        stack.chapter("IDR dies")
        app.stop()
        stack.alert("IdrDown", receiver="pager")
        stack.action("pbs-count", "effective")
        stack.once("pbs-count")

    if __name__ == "__main__":
        Stack.main(__file__, story)              # demo.py [--tocsin BINARY] [--once]

The folder of the example is copied to `stack.etc`, on a faster clock (clock.py), and tocsin runs with its tocsin.yml. Ports, folders and other variables that
stand there as ${NAME} come from `stack.env`. Everything that waits has a deadline, and fails the demo with the ends of the logs. Packs that tocsin.yml names
(`packs: [redis, tocsin]`) are put on the faster clock, too; without that key tocsin's own packs run, on the clock of production.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NoReturn

from clock import faster
from cloud import Cloud
from processes import Failed, Missing, Process, find_program, free_port
from servers import REPOSITORY, Servers
from stub_app import App

Json = dict[str, Any]
LIBRARY = Path(__file__).resolve().parent


def ask(url: str, body: Any = None, *, method: str = "", timeout: float = 10) -> Any:
    """A JSON API: what it answers. An error of HTTP is an OSError."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method or None)
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        text = answer.read()
    return json.loads(text) if text.strip() else None


class Stack(Servers):
    """A demo's world. `factor`: how much faster its clock is than production's."""

    def __init__(self, demo: str, tocsin: str, factor: float = 60) -> None:
        super().__init__()
        self.home = Path(demo).resolve().parent
        self.binary, self.factor = tocsin, factor
        self.env: dict[str, str] = {}
        self.etc = self.folder / "etc"
        self.secrets = self.folder / "secrets"
        self.secrets.mkdir(mode=0o700)
        self.cloud = Cloud(self.folder / "platform")
        self.bin = self._commands()
        self.env |= {"TOOLS": str(self.bin), "SECRETS": str(self.secrets)}
        self.alertmanager_url = self.page = ""
        self.tocsin_process: Process | None = None
        self._rows: dict[tuple[str, str, str], Json] = {}
        self._chapters = 0

    # Getting started.

    @classmethod
    def main(cls, demo: str, story: Callable[[Stack], None], factor: float = 60) -> NoReturn:
        """Runs the story. Status 0 if everything happened; without --once it then stays up until ^C."""
        parser = argparse.ArgumentParser(description=f"The stack {Path(demo).resolve().parent.name}, live on loopback.")
        parser.add_argument("--tocsin", default="tocsin", help="the binary")
        parser.add_argument("--once", action="store_true", help="end as soon as everything happened")
        options = parser.parse_args()
        binary = os.path.abspath(options.tocsin) if "/" in options.tocsin else find_program(options.tocsin)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, where a shell started this in the background
        stack = cls(demo, binary, factor)
        try:
            story(stack)
            stack.say("All of it happened.")
            if not options.once:
                stack.stay()
            status = 0
        except KeyboardInterrupt:
            status = 130
        except (Failed, OSError) as error:
            stack.say(f"FAILED: {error}")
            stack.show_logs()
            # ctest calls 77 skipped; where everything must be there nothing is.
            status = 77 if isinstance(error, Missing) and os.environ.get("CI") != "true" else 1
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # what ends is not to be hurried
            stack.close()
        sys.exit(status)

    def port(self, name: str = "", host: str = "127.0.0.1") -> int:
        """A free port, known to the configuration as ${name}."""
        port = free_port(host)
        if name:
            self.env[name] = str(port)
        return port

    def secret(self, name: str, value: str) -> str:
        """A secret in a file: ${SECRETS}/name. Gives the value."""
        path = self.secrets / name
        path.write_text(value + "\n")
        path.chmod(0o600)
        return value

    def app(self, name: str, *, port: int = 0, host: str = "127.0.0.1", tls: bool | tuple[str, str] = False) -> App:
        """A stand-in for an application, with /health; `tls`: with a certificate of the demo's authority, or that one."""
        pair = self.certificates.issue(name) if tls is True else tls or None
        app = App(name=name, host=host, port=port or free_port(host), tls=pair)
        app.route("/health", body='{"status": "ok"}\n')
        app.route("/metrics", body=app.metrics.text)
        self.closers.append(app.stop)
        return app

    def alertmanager(self, routes: Iterable[tuple[Json, str]] = ()) -> None:
        """The real one, with the example's alertmanager.yml, which amtool has checked first: it must be good, and send alerts with these labels there."""
        self._copy()
        config = self.etc / "alertmanager.yml"
        amtool = find_program("amtool")
        routes = list(routes)
        for labels, receiver in [({}, ""), *routes]:
            command = [amtool, "check-config", str(self.home / "alertmanager.yml")] if not receiver else [
                amtool, "config", "routes", "test", f"--config.file={self.home / 'alertmanager.yml'}", f"--verify.receivers={receiver}",
                *(f"{key}={value}" for key, value in labels.items())]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise Failed(f"amtool {' '.join(command[1:])}: {(done.stdout + done.stderr).strip()}")
        port = self.port("ALERTMANAGER_PORT")
        self.alertmanager_url = f"http://127.0.0.1:{port}"
        self.run("alertmanager", [find_program("prometheus-alertmanager"), f"--config.file={config}", f"--storage.path={self.folder}/alertmanager",
                                  f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="])
        self.until("Alertmanager", lambda: urllib.request.urlopen(self.alertmanager_url + "/-/ready", timeout=5).status == 200)
        said = f"; amtool finds alertmanager.yml good, and {len(routes)} routes as they should be" if routes else ""
        self.say(f"Alertmanager on :{port}{said}")

    def tocsin(self, *, targets: int | None = None, check: bool = True) -> None:
        """Starts tocsin and waits until each of so many targets (all, if none is said) has been probed well once."""
        self._copy()
        config = str(self.etc / "tocsin.yml")
        environment = {**self.env, "CREDENTIALS_DIRECTORY": str(self.secrets)}
        if check:
            done = subprocess.run([self.binary, "check", config], env={**os.environ, **environment}, capture_output=True, text=True)
            if done.returncode:
                raise Failed(f"tocsin check:\n{done.stdout}{done.stderr}")
        (self.folder / "data").mkdir(exist_ok=True)
        web = self.port("TOCSIN_PORT")
        self.page = f"http://127.0.0.1:{web}"
        self.tocsin_process = self.run("tocsin", [self.binary, "run", "--config", config, "--listen", f"127.0.0.1:{web}", "--data-dir",
                                                  str(self.folder / "data"), "--socket", str(self.folder / "tocsin.sock")], env=environment)
        self.until("tocsin", self._ready)
        if targets != 0:
            self.until("the first probes", lambda: self._well(targets), 45)
        self.say(f"tocsin watches {len(self.targets())} targets, on a clock {self.factor:g} times as fast as production's; its status page is {self.page}/")

    def test_rules(self) -> None:
        """The example's own tests.yml, on production's clock."""
        done = subprocess.run([self.binary, "test", "rules", str(self.home / "tests.yml")],
                              env={**os.environ, **self.env, "CREDENTIALS_DIRECTORY": str(self.secrets)}, capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"tocsin test rules:\n{done.stdout}{done.stderr}")
        self.say(f"on production's clock, {done.stdout.strip().removeprefix(str(self.home) + '/')}")

    def edit(self, file: str, changes: dict[str, str]) -> None:
        """Changes the demo's copy of a file of the example: what no clock can know, such as a limit on seconds that are measured. Before `alertmanager`
        and `tocsin`."""
        self._copy()
        path = self.etc / file
        text = path.read_text()
        for old, new in changes.items():
            if old not in text:
                raise Failed(f"{file} has no {old!r}")
            text = text.replace(old, new)
        path.write_text(text)

    def _commands(self) -> Path:
        """The stand-ins for fly, aws, kubectl and docker, in a folder of their own beside the platform's."""
        folder = self.folder / "bin"
        folder.mkdir()
        for command in (LIBRARY / "bin").iterdir():
            (folder / command.name).symlink_to(command)
        return folder

    def _copy(self) -> None:
        if self.etc.exists():
            return
        self.etc.mkdir()
        for source in self.home.rglob("*"):
            target = self.etc / source.relative_to(self.home)
            if source.is_dir():
                target.mkdir(exist_ok=True)
            elif source.suffix in (".yml", ".yaml"):
                target.write_text(faster(source.read_text(), self.factor))
            elif source.suffix not in (".py", ".md", ".pyc"):
                shutil.copy(source, target)  # with its mode: it may be a program
        self._packs()

    def _packs(self) -> None:
        config = self.etc / "tocsin.yml"
        text = config.read_text()
        named = re.search(r"^packs: *\[([^\]]*)\]", text, re.MULTILINE)
        if not named:
            return
        packs = [name.strip() for name in named[1].split(",") if name.strip()]
        for name in packs:
            (self.etc / f"pack-{name}.yml").write_text(faster((REPOSITORY / "rules" / "packs" / f"{name}.yml").read_text(), self.factor))
        text = text.replace(named[0], "packs: []")
        text = re.sub(r"^rule_files: *\[", "rule_files: [" + "".join(f"pack-{name}.yml, " for name in packs), text, flags=re.MULTILINE)
        config.write_text(text)

    def _ready(self) -> bool:
        assert self.tocsin_process is not None
        if not self.tocsin_process.runs:
            raise Failed("tocsin ended as soon as it was started")
        return bool(urllib.request.urlopen(self.page + "/-/ready", timeout=5).status == 200)

    def _well(self, wanted: int | None) -> bool:
        targets = self.targets()
        well = sum(target["health"] == "up" for target in targets)
        return well == len(targets) > 0 if wanted is None else well >= wanted

    # What is so.

    def targets(self) -> list[Json]:
        return list(ask(self.page + "/api/v1/targets")["data"]["activeTargets"])

    def query(self, promql: str) -> list[Json]:
        """PromQL now: [{metric, value}]. A scalar has an empty metric."""
        data = ask(f"{self.page}/api/v1/query?query={urllib.request.quote(promql)}")["data"]  # type: ignore[attr-defined]
        rows = [{"metric": {}, "value": data["result"]}] if data["resultType"] == "scalar" else data["result"]
        return [{"metric": row["metric"], "value": float(row["value"][1])} for row in rows]

    def value(self, promql: str) -> float | None:
        rows = self.query(promql)
        return rows[0]["value"] if rows else None

    def alerts(self, name: str = "", **labels: str) -> list[Json]:
        """What Alertmanager has now, also what is silenced or inhibited."""
        found = ask(self.alertmanager_url + "/api/v2/alerts")
        return [alert for alert in found if (not name or alert["labels"]["alertname"] == name) and
                all(alert["labels"].get(key) == value for key, value in labels.items())]

    def rows(self, action: str = "", step: str = "", *, since: float = 0.0) -> list[Json]:
        """What the journal of actions says, oldest first; all that was ever seen in it."""
        for row in ask(self.page + "/api/v1/tocsin/actions")["data"]["recent"]:
            self._rows[(row["id"], row["step"], row["at"])] = row
        rows = sorted(self._rows.values(), key=lambda row: row["at"])
        return [row for row in rows if (not action or row["action"] == action) and (not step or row["step"] == step) and _time(row["at"]) >= since]

    def status(self, action: str) -> Json:
        """Where the action stands now, and why nothing is done."""
        for row in ask(self.page + "/api/v1/tocsin/actions")["data"]["actions"]:
            if row["name"] == action:
                return dict(row)
        raise Failed(f"there is no action {action}")

    @staticmethod
    def mark() -> float:
        """Now, for `since`."""
        return time.time()

    # What must become so.

    def chapter(self, title: str) -> None:
        self._chapters += 1
        self.say(f"{self._chapters}. {title}")

    def alert(self, name: str, *, receiver: str = "", inhibited: bool | None = None, silenced: bool | None = None, within: float = 40, **labels: str) -> Json:
        """Waits until Alertmanager has the alert: with these labels, routed there, inhibited or silenced as said."""
        def found() -> Json | None:
            for alert in self.alerts(name, **labels):
                state = alert["status"]
                if inhibited not in (None, bool(state["inhibitedBy"])) or silenced not in (None, bool(state["silencedBy"])):
                    continue
                return dict(alert)
            return None
        wanted = name + "".join(f" {key}={value}" for key, value in labels.items())
        state = " inhibited" if inhibited else " silenced" if silenced else ""
        alert = self.until(f"{wanted}{state} at Alertmanager", found, within)
        receivers = [each["name"] for each in alert["receivers"]]
        if receiver and receiver not in receivers:
            raise Failed(f"{wanted} went to {receivers}, not to {receiver}")
        self.say(f"   {wanted} is at Alertmanager{f',{state}' if state else ''}, for {', '.join(receivers)}")
        return alert

    def no_alert(self, name: str, *, within: float = 60, **labels: str) -> None:
        """Waits until Alertmanager has it no more."""
        self.until(f"the end of {name}", lambda: not self.alerts(name, **labels), within)
        self.say(f"   {name} has ended")

    def never(self, name: str, **labels: str) -> None:
        """Fails if Alertmanager has the alert."""
        if self.alerts(name, **labels):
            raise Failed(f"{name} {labels or ''} is at Alertmanager, and should not be")

    def action(self, name: str, *steps: str, reason: str = "", since: float = 0.0, within: float = 60) -> Json:
        """Waits for these steps of the action in the journal, the last one with a reason that matches. Gives the last row."""
        row: Json = {}
        for index, step in enumerate(steps):
            pattern = reason if index == len(steps) - 1 else ""

            def found(step: str = step, pattern: str = pattern) -> Json | None:
                return next((row for row in self.rows(name, step, since=since) if re.search(pattern, row["reason"])), None)
            row = self.until(f"{name}: {step}{f' ({reason})' if pattern else ''}", found, within)
            change = f" {row['from']} -> {row['to']}" if row["to"] else ""
            self.say(f"   {name}: {step}{change}{': ' + row['reason'] if row['reason'] else ''}")
        return row

    def idle(self, name: str, reason: str, *, within: float = 40) -> None:
        """Waits until the status of the action gives such a reason (a regular expression) for doing nothing."""
        found = self.until(f"{name} says {reason!r}", lambda: re.search(reason, self.status(name)["reason"]) and self.status(name)["reason"], within)
        self.say(f"   {name} does nothing: {found}")

    def once(self, name: str, times: int = 1, *, step: str = "started", since: float = 0.0) -> None:
        """Fails unless the action has run so often; no more than that, and no less."""
        rows = self.rows(name, step, since=since)
        if len(rows) != times:
            raise Failed(f"{name} was {step} {len(rows)} times, not {times}: {[(row['from'], row['to']) for row in rows]}")

    def calls(self, command: str, resource: str = "") -> list[Json]:
        """The platform's own log of the calls: {argv, words, resource, to, status}."""
        return self.cloud.calls(command, resource)

    def called(self, command: str, times: int = 1, resource: str = "") -> list[Json]:
        """Fails unless the platform was called so often."""
        calls = self.calls(command, resource)
        if len(calls) != times:
            raise Failed(f"{command} {resource} was called {len(calls)} times, not {times}: {[call['argv'] for call in calls]}")
        return calls

    # What people do.

    def silence(self, comment: str = "being looked at", **labels: str) -> str:
        """A silence at Alertmanager; gives its id."""
        now = datetime.now(timezone.utc)
        body = {"matchers": [{"name": key, "value": value, "isRegex": False, "isEqual": True} for key, value in labels.items()],
                "startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=1)).isoformat(), "createdBy": "demo", "comment": comment}
        identity = str(ask(self.alertmanager_url + "/api/v2/silences", body)["silenceID"])
        self.say(f"   somebody silences {labels}: {comment}")
        return identity

    def expire(self, silence: str) -> None:
        """Ends the silence."""
        ask(f"{self.alertmanager_url}/api/v2/silence/{silence}", method="DELETE")
        self.say("   the silence ends")

    def command(self, *words: str, status: int = 0) -> str:
        """A command of tocsin to the running daemon, such as `actions approve grow`; gives what it prints."""
        done = subprocess.run([self.binary, *words, "--socket", str(self.folder / "tocsin.sock")], capture_output=True, text=True, timeout=60)
        output = (done.stdout + done.stderr).strip()
        if done.returncode != status:
            raise Failed(f"tocsin {' '.join(words)} ended with {done.returncode}: {output}")
        self.say(f"   $ tocsin {' '.join(words)}" + "".join(f"\n             | {line}" for line in output.splitlines()[:12]))
        return output

    def restart(self, how: signal.Signals = signal.SIGKILL) -> None:
        """tocsin dies and is started again on the same data."""
        assert self.tocsin_process is not None
        self.tocsin_process.kill(how)
        self.tocsin_process.start()
        self.until("tocsin, again", self._ready)
        self.say(f"   tocsin was {'killed' if how == signal.SIGKILL else 'stopped'} and started again")

    # The end.

    def stay(self) -> None:
        print(f"""
          status page   {self.page}/
          Alertmanager  {self.alertmanager_url}/
          configuration {self.etc}/          logs {self.logs}/
          try           {self.binary} query --socket {self.folder}/tocsin.sock 'ALERTS'
                        curl -s {self.page}/api/v1/tocsin/actions | jq .data
          Stays up until ^C.""", flush=True)
        while True:
            signal.pause()

    def show_logs(self, lines: int = 25) -> None:
        for log in sorted(self.logs.iterdir(), key=lambda log: log.stem == "tocsin"):
            text = log.read_text(errors="replace").splitlines()
            if text:
                print(f"--- the end of {log.name}:", *text[-lines if log.stem == "tocsin" else -6:], sep="\n", flush=True)
        for call in self.cloud.calls()[-10:]:
            print("--- call:", " ".join(call["argv"]), "->", call["status"])


def _time(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
