"""A stand-in for Render's HTTP API: a service, its instances, scaling; behind a bearer key, with Idempotency-Key honoured.

    api = RenderApi(stack.cloud, port=stack.port("RENDER_PORT"), key="rnd_demo")
    stack.cloud.put("render/srv-api", count=1)
    stack.cloud.behave("render scale", "fail")          # ok, fail, hang, stall, lie, slow, as of commands
"""
from __future__ import annotations

import json
import threading
import time
from typing import Any

from cloud import Cloud
from stub_app import Answer, App, Request


class RenderApi:
    def __init__(self, cloud: Cloud, *, port: int, key: str, host: str = "127.0.0.1", tls: tuple[str, str] | None = None) -> None:
        self.cloud, self.key = Cloud(cloud.folder), key
        self._seen: dict[str, Answer] = {}
        self._lock = threading.Lock()
        self.app = App(name="render", host=host, port=port, tls=tls)
        self.app.answer = self._answer  # type: ignore[method-assign]

    @property
    def url(self) -> str:
        return self.app.url

    def _answer(self, request: Request) -> Answer:
        with self._lock:
            return self._serve(request)

    @staticmethod
    def _say(status: int, **body: Any) -> Answer:
        return Answer(status=status, body=json.dumps(body))

    def _serve(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return self._say(401, id="", message="Unauthorized")
        match request.path.partition("?")[0].strip("/").split("/"):
            case ["v1", "services", name]:
                verb = ""
            case ["v1", "services", name, "scale"]:
                verb = "scale"
            case ["v1", "services", name, "instances"]:
                verb = "instances"
            case _:
                return self._say(404, id="", message="not found")
        resource = f"render/{name}"
        if not self.cloud.exists(resource):
            return self._say(404, id="", message=f"service {name} not found")
        if verb == "scale" and request.method == "POST":
            return self._scale(resource, name, request)
        if request.method != "GET":
            return self._say(405, id="", message="method not allowed")
        return self._show(resource, name, verb)

    def _show(self, resource: str, name: str, verb: str) -> Answer:
        self.cloud.begin_call(["GET", name], ["render", "show"], resource)
        service = self.cloud.get(resource)
        count = service.get("count", 1)
        how = self.cloud.how()
        self.cloud.end_call(500 if how["mode"] == "fail" else 200)
        if how["mode"] == "fail":
            return self._say(500, id="", message=how["message"] or "internal server error")
        if how["mode"] == "hang":
            time.sleep(30)
        if verb == "instances":
            return Answer(body=json.dumps([{"id": f"{name}-{index}", "createdAt": "2026-01-01T00:00:00Z"} for index in range(count)]))
        return self._say(200, id=name, name=name, type="web_service", suspended="not_suspended",
                         serviceDetails={"env": "docker", "plan": service.get("plan", "starter"), "numInstances": count, "region": "oregon"})

    def _scale(self, resource: str, name: str, request: Request) -> Answer:
        try:
            wanted = json.loads(request.body)["numInstances"]
        except (ValueError, KeyError, TypeError):
            return self._say(400, id="", message="invalid JSON")
        once = request.headers.get("idempotency-key", "")
        self.cloud.begin_call(["POST", name, str(wanted)], ["render", "scale"], resource, to=str(wanted), key=once)
        if once and once in self._seen:
            self.cloud.end_call(self._seen[once].status)
            return self._seen[once]
        if not isinstance(wanted, int) or not 1 <= wanted <= 100:
            self.cloud.end_call(400)
            return self._say(400, id="", message="numInstances must be between 1 and 100")
        how = self.cloud.how()
        if how["mode"] == "fail":
            self.cloud.end_call(500)
            return self._say(500, id="", message=how["message"] or "internal server error")
        self.cloud.change(resource, count=wanted)
        answer = Answer(status=202, body="")
        if once:
            self._seen[once] = answer
        if how["mode"] in ("hang", "stall"):
            return Answer(status=202, body="", latency=60)
        self.cloud.end_call(202)
        return answer
