"""The make-believe platforms behind bin/{fly,aws,kubectl,docker} and render_api.py: one folder with what exists and how the commands behave.

A demo fills it (`Cloud.put`), reads it (`Cloud.get`), reads the log of calls (`Cloud.calls`) and says what goes wrong (`Cloud.behave`). The commands
find the folder in $STACK_PLATFORM, or beside the folder that they are in: ../platform.

How a command behaves is said by the beginning of its arguments ("fly scale count"), maybe for one resource:
    ok      as the real one (the default)
    fail    it ends with status 1 and a message, and nothing has changed
    hang    it never ends, and nothing changes
    stall   the change is made, and the command never ends
    lie     it says that it is done, and nothing has changed
    slow    it ends, and the change is there some seconds later; until then the resource says "modifying"
"""
from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

Json = dict[str, Any]


class Cloud:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    # What exists: "fly/nexus-pbs", "cache_cluster/nexus-redis-prod", "deployment/default/api", ...

    def put(self, resource: str, **properties: Any) -> None:
        """Makes the resource, or changes these properties of it (as somebody else would, at the platform's own console)."""
        with self._locked() as state:
            state["resources"].setdefault(resource, {}).update(properties)

    def get(self, resource: str) -> Json:
        """What is so now. Changes whose time has come have been made."""
        with self._locked() as state:
            return dict(self._settled(state, resource))

    def exists(self, resource: str) -> bool:
        with self._locked() as state:
            return resource in state["resources"]

    def names(self, kind: str) -> list[str]:
        with self._locked() as state:
            return [name.removeprefix(kind + "/") for name in state["resources"] if name.startswith(kind + "/")]

    def modifying(self, resource: str) -> Json:
        """What is being changed and is not there yet."""
        with self._locked() as state:
            self._settled(state, resource)
            return dict(state["pending"].get(resource, {}).get("changes", {}))

    def change(self, resource: str, **changes: Any) -> None:
        """A change by a command: at once, or some seconds later."""
        with self._locked() as state:
            how = self._behaviour(state)
            self._settled(state, resource)
            if how["mode"] == "slow":
                state["pending"][resource] = {"at": time.time() + how["seconds"], "changes": changes}
            elif how["mode"] not in ("lie", "fail", "hang"):
                state["resources"][resource].update(changes)

    # How commands behave.

    def behave(self, command: str, mode: str = "ok", *, resource: str = "", seconds: float = 2.0, message: str = "") -> None:
        """From now on the command (the beginning of its words) behaves so, for all resources or for one. The last word said counts."""
        assert mode in ("ok", "fail", "hang", "stall", "lie", "slow"), mode
        with self._locked() as state:
            state["behaviours"].append({"command": command, "resource": resource, "mode": mode, "seconds": seconds, "message": message})

    # What was called.

    def calls(self, command: str = "", resource: str = "") -> list[Json]:
        """The calls so far whose words begin so: {at, argv, resource, status}. `status` is None where the call never ended."""
        calls: dict[str, Json] = {}
        log = self.folder / "calls.jsonl"
        for line in log.read_text().splitlines() if log.exists() else []:
            row = json.loads(line)
            calls.setdefault(row["id"], {"status": None}).update(row)
        wanted = command.split()
        return [call for call in calls.values()
                if call["words"][:len(wanted)] == wanted and (not resource or call.get("resource") == resource)]

    def begin_call(self, argv: list[str], words: list[str], resource: str, **details: Any) -> None:
        """A command says that it was called, and learns here how it has to behave. Does not return from `hang` and `fail`."""
        self._call = f"{os.getpid()}-{time.time_ns()}"
        self._words, self._resource = words, resource
        self._log(at=time.time(), argv=argv, words=words, resource=resource, **details)

    def end_call(self, status: int) -> None:
        self._log(status=status)

    def how(self) -> Json:
        with self._locked() as state:
            return self._behaviour(state)

    def act(self, refuse: Callable[[str], NoReturn], change: Callable[[], None] = lambda: None) -> None:
        """The change of a command (none: it only reads), under its behaviour."""
        how = self.how()
        if how["mode"] == "fail":
            refuse(how["message"] or "the platform says no")
        if how["mode"] == "hang":
            self._hang()
        change()
        if how["mode"] == "stall":
            self._hang()

    _call = ""
    _words: list[str] = []
    _resource = ""

    def _hang(self) -> NoReturn:
        """Until somebody ends it, or the demo is over."""
        while self.folder.exists():
            time.sleep(0.2)
        sys.exit(1)

    def _log(self, **row: Any) -> None:
        with open(self.folder / "calls.jsonl", "a") as log:
            log.write(json.dumps({"id": self._call, **row}) + "\n")

    def _behaviour(self, state: Json) -> Json:
        for said in reversed(state["behaviours"]):
            words = said["command"].split()
            if self._words[:len(words)] == words and said["resource"] in ("", self._resource):
                return said
        return {"mode": "ok", "seconds": 0.0, "message": ""}

    @staticmethod
    def _settled(state: Json, resource: str) -> Json:
        pending = state["pending"].get(resource)
        if pending and pending["at"] <= time.time():
            state["resources"][resource].update(pending["changes"])
            del state["pending"][resource]
        return state["resources"].get(resource, {})

    @contextmanager
    def _locked(self) -> Iterator[Json]:
        with open(self.folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            path = self.folder / "state.json"
            text = path.read_text() if path.exists() else "{}"
            state: Json = {"resources": {}, "pending": {}, "behaviours": []} | json.loads(text)
            yield state
            after = json.dumps(state, indent=1)
            if after != text:
                new = path.with_suffix(".new")
                new.write_text(after)
                new.replace(path)


class Command:
    """What the commands have in common: words, options, and the ways out."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cloud = Cloud(Path(os.environ.get("STACK_PLATFORM") or Path(sys.argv[0]).absolute().parent.parent / "platform"))
        self.words: list[str] = []
        self.options: dict[str, str] = {}

    def parse(self, *, flags: set[str], values: dict[str, str], allowed: Callable[[str], bool] = lambda _: True) -> None:
        """Options as `--app x`, `--app=x`, `-a x`; `values` gives the long name of each that takes a value, `flags` those that take none."""
        rest = sys.argv[1:]
        while rest:
            word = rest.pop(0)
            if not word.startswith("-") or word == "-":
                self.words.append(word)
                continue
            key, equals, value = word.partition("=")
            if key in flags:
                self.options[key] = value or "true"
            elif key in values:
                if not equals:
                    if not rest:
                        self.refuse(f"flag needs an argument: {key}")
                    value = rest.pop(0)
                self.options[values[key]] = value
            else:
                self.refuse(f"unknown flag: {key}")

    def begin(self, resource: str, **details: Any) -> None:
        self.cloud.begin_call([self.name, *sys.argv[1:]], [self.name, *self.words], resource, **details)

    def refuse(self, message: str, status: int = 1) -> NoReturn:
        print(message, file=sys.stderr)
        if self.cloud._call:
            self.cloud.end_call(status)
        sys.exit(status)

    def done(self, output: str = "") -> NoReturn:
        if output:
            print(output, flush=True)
        self.cloud.end_call(0)
        sys.exit(0)
