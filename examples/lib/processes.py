"""Servers that a demo starts: each in a process group of its own, ended with the demo whatever becomes of it, its log kept."""
from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class Failed(Exception):
    """Something did not happen, or not as it should."""


class Missing(Failed):
    """This machine has not what the demo needs, and cannot get it."""


def free_port(host: str = "127.0.0.1") -> int:
    """A port below those that the system gives to outgoing connections, so that nobody takes it meanwhile."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(200):
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((host, port))
                return port
            except OSError:
                continue
    raise Failed("there is no free port")


def listens(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def find_program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")
    if not found:
        raise Failed(f"{name} is not installed")
    return found


class Process:
    """A server. Stopped and started again on its ports and with its data by `kill` and `start`."""

    def __init__(self, name: str, argv: list[str], log: Path, *, user: str = "", env: dict[str, str] | None = None, cwd: Path | None = None) -> None:
        self.name, self.argv, self.log, self.cwd = name, argv, log, cwd
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "HOME": os.environ.get("HOME", "/"), **(env or {})}
        self._as = [find_program("setpriv"), "--pdeathsig", "KILL"]
        if user and os.getuid() == 0:
            pwd.getpwnam(user)
            self._as += [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        self._child: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        # A parent's death is that of the thread which started the child: only the main thread lives as long as the demo.
        assert threading.current_thread() is threading.main_thread()
        with open(self.log, "ab") as log:
            self._child = subprocess.Popen([*self._as, "--", *self.argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, cwd=self.cwd,
                                           start_new_session=True)

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    @property
    def runs(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def kill(self, how: signal.Signals = signal.SIGKILL, patience: float = 10) -> None:
        """Ends it and all that it started: the signal, and KILL for what does not heed it."""
        if self._child is None:
            return
        for each in (how, signal.SIGKILL):
            try:
                os.killpg(self._child.pid, each)
            except ProcessLookupError:
                pass
            try:
                self._child.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        try:  # what is left of the group when its leader has gone
            os.killpg(self._child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self._child = None

    def stop(self) -> None:
        self.kill(signal.SIGTERM)

    def freeze(self) -> None:
        """It takes connections (the system does) and answers nothing."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)


class Place:
    """The temporary folder of a demo, its clock, its servers and its threads."""

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-demo."))
        self.folder.chmod(0o755)  # PostgreSQL runs as a user of its own
        self.logs = self.folder / "logs"
        self.logs.mkdir()
        self.processes: list[Process] = []
        self.closers: list[Callable[[], None]] = []
        self._over = threading.Event()

    def say(self, what: str) -> None:
        print(f"{time.monotonic() - self.begin:8.3f} s  {what}", flush=True)

    def until(self, what: str, condition: Callable[[], T], within: float = 30) -> T:
        """Asks every 50 ms until the condition holds; what it gave then. Fails when it takes longer. An OSError means not yet."""
        limit = time.monotonic() + within
        problem = ""
        while True:
            try:
                if found := condition():
                    return found
            except OSError as error:
                problem = f" ({error})"
            if time.monotonic() > limit:
                raise Failed(f"{what}: not within {within:g} s{problem}")
            time.sleep(0.05)

    def stays(self, what: str, condition: Callable[[], object], seconds: float) -> None:
        """Fails if the condition does not hold all the time."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            if not condition():
                raise Failed(f"{what} was to stay so for {seconds:g} s")
            time.sleep(0.1)

    def run(self, name: str, argv: list[str], **how: Any) -> Process:
        process = Process(name, argv, self.logs / f"{name}.log", **how)
        self.processes.append(process)
        return process

    def port_opens(self, process: Process, port: int, host: str = "127.0.0.1", within: float = 30) -> None:
        def opened() -> bool:
            if not process.runs:
                raise Failed(f"{process.name} ended as soon as it was started")
            return listens(port, host)
        self.until(f"{process.name} on :{port}", opened, within)

    def every(self, seconds: float, work: Callable[[], object]) -> Callable[[], None]:
        """Does that again and again, beside, until the demo ends or the function that is given back is called."""
        over = threading.Event()

        def loop() -> None:
            while not (over.is_set() or self._over.is_set()):
                try:
                    work()
                except Exception as error:  # noqa: BLE001: a server that is down is what a demo is about
                    with open(self.logs / "beside.log", "a") as log:
                        log.write(f"{type(error).__name__}: {error}\n")
                over.wait(seconds)

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()

        def stop() -> None:
            over.set()
            thread.join(10)
        return stop

    def close(self) -> None:
        self._over.set()
        for closer in self.closers:
            closer()
        for process in reversed(self.processes):
            process.kill(signal.SIGTERM, 5)
        shutil.rmtree(self.folder, ignore_errors=True)
