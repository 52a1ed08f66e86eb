#!/usr/bin/env python3
"""Tests of the demos' library: the faster clock, the stand-ins for platform commands, the stand-ins for applications."""
import doctest
import json
import os
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import clock
from cloud import Cloud
from processes import free_port
from render_api import RenderApi
from stub_app import App

HERE = Path(__file__).resolve().parent


class Commands(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="tocsin-demo-test.")
        self.addCleanup(self.folder.cleanup)
        self.cloud = Cloud(Path(self.folder.name))
        self.env = {"STACK_PLATFORM": self.folder.name, "PATH": os.environ["PATH"]}

    def call(self, line: str, status: int = 0, **env: str) -> str:
        name, *words = line.split()
        done = subprocess.run([HERE / "bin" / name, *words], env=self.env | env, capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_fly(self) -> None:
        self.cloud.put("fly_account", token="good")
        self.cloud.put("fly/pbs", count=2, memory=256)
        good = {"FLY_API_TOKEN": "good"}
        self.assertIn("no access token", self.call("fly scale show -a pbs --json", 1))
        self.assertIn("unauthorized", self.call("fly scale show -a pbs --json", 1, FLY_API_TOKEN="bad"))
        self.assertIn("Could not find App", self.call("fly scale show -a other --json", 1, **good))
        self.assertEqual(json.loads(self.call("fly scale show -a pbs --json", **good))[0],
                         {"Process": "app", "Count": 2, "CPUKind": "shared", "CPUs": 1, "Memory": 256, "Regions": {"iad": 2}})
        self.assertIn("yes flag must be specified", self.call("fly scale count 4 -a pbs", 1, **good))
        self.call("fly scale count 4 -a pbs --yes", **good)
        self.assertEqual(len(json.loads(self.call("fly machine list --app=pbs --json", **good))), 4)
        self.assertIn("unknown flag", self.call("fly scale memory 512 -a pbs --yes", 1, **good))
        self.call("fly scale memory 512 -a pbs", **good)
        self.assertEqual(self.cloud.get("fly/pbs"), {"count": 4, "memory": 512})
        self.call("fly scale vm performance-1x -a pbs", **good)
        self.assertEqual(self.cloud.get("fly/pbs")["cpu_kind"], "performance")
        self.assertEqual([call["status"] for call in self.cloud.calls("fly scale count")], [1, 0])

    def test_behaviour(self) -> None:
        self.cloud.put("fly/pbs", count=2)
        token = {"FLY_API_TOKEN": "x"}
        self.cloud.behave("fly scale count", "fail", message="no capacity")
        self.assertIn("Error: no capacity", self.call("fly scale count 3 -a pbs --yes", 1, **token))
        self.cloud.behave("fly scale count", "lie")
        self.call("fly scale count 3 -a pbs --yes", **token)
        self.assertEqual(self.cloud.get("fly/pbs")["count"], 2)
        self.cloud.behave("fly scale count", "slow", seconds=0.3)
        self.call("fly scale count 3 -a pbs --yes", **token)
        self.assertEqual(self.cloud.modifying("fly/pbs"), {"count": 3})
        while self.cloud.modifying("fly/pbs"):
            pass
        self.assertEqual(self.cloud.get("fly/pbs")["count"], 3)
        for mode, after in (("hang", 3), ("stall", 4)):
            self.cloud.behave("fly scale count", mode)
            with self.assertRaises(subprocess.TimeoutExpired):
                subprocess.run([HERE / "bin" / "fly", "scale", "count", "4", "-a", "pbs", "--yes"], env=self.env | token, timeout=1)
            self.assertEqual(self.cloud.get("fly/pbs")["count"], after)
        self.assertIsNone(self.cloud.calls("fly scale count")[-1]["status"])
        self.cloud.behave("fly", "ok")
        self.call("fly scale count 2 -a pbs --yes", **token)

    def test_aws(self) -> None:
        self.cloud.put("aws_account", secret_key="good", region="us-east-1")
        self.cloud.put("cache_cluster/sessions", type="cache.t3.micro")
        self.cloud.put("replication_group/sessions", node_groups=1, replicas=1)
        self.assertIn("Unable to locate credentials", self.call("aws elasticache describe-cache-clusters --cache-cluster-id sessions", 253))
        for key, status in (("bad", 254), ("good", 0)):
            (Path(self.folder.name) / "credentials").write_text(f"[default]\naws_access_key_id = A\naws_secret_access_key = {key}\n")
            env = {"AWS_SHARED_CREDENTIALS_FILE": f"{self.folder.name}/credentials", "AWS_REGION": "us-east-1"}
            said = self.call("aws elasticache describe-cache-clusters --cache-cluster-id sessions --show-cache-node-info", status, **env)
        cluster = json.loads(said)["CacheClusters"][0]
        self.assertEqual((cluster["CacheNodeType"], cluster["CacheClusterStatus"], len(cluster["CacheNodes"])), ("cache.t3.micro", "available", 1))
        change = "aws elasticache modify-cache-cluster --cache-cluster-id sessions --cache-node-type"
        self.assertIn("InvalidParameterValue", self.call(f"{change} cache.t3.huge --apply-immediately", 254, **env))
        self.call(f"{change} cache.t3.small", **env)  # waits for a maintenance window that does not come here
        self.assertEqual(self.cloud.get("cache_cluster/sessions")["type"], "cache.t3.micro")
        self.cloud.behave("aws elasticache modify-cache-cluster", "slow", seconds=60)
        self.call(f"{change} cache.t3.small --apply-immediately", **env)
        said = self.call("aws elasticache describe-cache-clusters --cache-cluster-id sessions", **env)
        self.assertEqual(json.loads(said)["CacheClusters"][0]["CacheClusterStatus"], "modifying")
        self.assertIn("not in a valid state", self.call(f"{change} cache.t3.medium --apply-immediately", 254, **env))
        self.call("aws elasticache modify-replication-group-shard-configuration --replication-group-id sessions --node-group-count 3 --apply-immediately", **env)
        said = self.call("aws elasticache describe-replication-groups --replication-group-id sessions", **env)
        self.assertEqual(len(json.loads(said)["ReplicationGroups"][0]["NodeGroups"]), 3)
        query = "--query ReplicationGroups[0].[NodeGroups.length(@),Status] --output json"
        said = self.call(f"aws elasticache describe-replication-groups --replication-group-id sessions {query}", **env)
        self.assertEqual(json.loads(said), [3, "available"])
        self.assertIn("not found", self.call("aws elasticache describe-cache-clusters --cache-cluster-id other", 254, **env))

    def test_kubectl(self) -> None:
        self.cloud.put("kube_account", token="good")
        self.cloud.put("deployment/prod/api", replicas=3, containers={"api": {"memory": "512Mi"}})
        config = Path(self.folder.name) / "kubeconfig"
        self.assertIn("was refused", self.call("kubectl get deployment api -o json", 1))
        config.write_text("token: bad")
        base = f"--kubeconfig {config} -n prod"
        self.assertIn("Unauthorized", self.call(f"kubectl get deployment api {base} -o json", 1))
        config.write_text("token: good")
        self.call(f"kubectl scale deployment/api --replicas=4 --current-replicas=3 {base}")
        self.assertIn("Expected replicas to be 3", self.call(f"kubectl scale deployment/api --replicas=5 --current-replicas=3 {base}", 1))
        self.call(f"kubectl set resources deployment/api --containers=api --limits=memory=768Mi {base}")
        said = json.loads(self.call(f"kubectl get deployment api {base} -o json"))
        self.assertEqual((said["spec"]["replicas"], said["status"]["readyReplicas"]), (4, 4))
        self.assertEqual(said["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"], "768Mi")
        path = '-o=jsonpath={.spec.template.spec.containers[?(@.name=="api")].resources.limits.memory}'
        self.assertEqual(self.call(f"kubectl get deployment api {base} {path}").strip(), "768Mi")
        self.assertIn("NotFound", self.call(f"kubectl get deployment other {base} -o json", 1))

    def test_docker(self) -> None:
        self.cloud.put("compose/worker", count=2)
        file = Path(self.folder.name) / "compose.yml"
        file.write_text("services: {worker: {}}\n")
        self.call(f"docker compose -f {file} up -d --no-recreate --scale worker=3 worker")
        self.assertEqual(len(self.call(f"docker compose -f {file} ps --format json worker").splitlines()), 3)
        self.assertIn("no such service", self.call(f"docker compose -f {file} ps --format json other", 1))

    def test_render(self) -> None:
        self.cloud.put("render/srv-1", count=1)
        api = RenderApi(self.cloud, port=free_port(), key="good")
        self.addCleanup(api.app.stop)

        def call(path: str, body: bytes | None = None, key: str = "good", once: str = "") -> tuple[int, str]:
            request = urllib.request.Request(f"{api.url}/v1/services/{path}", body, {"Authorization": f"Bearer {key}", "Idempotency-Key": once})
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()
        self.assertEqual(call("srv-1", key="bad")[0], 401)
        self.assertEqual(call("srv-1/scale", b'{"numInstances": 2}', once="a")[0], 202)
        self.cloud.put("render/srv-1", count=5)
        self.assertEqual(call("srv-1/scale", b'{"numInstances": 2}', once="a")[0], 202)  # the same order again: nothing is done
        self.assertEqual(json.loads(call("srv-1")[1])["serviceDetails"]["numInstances"], 5)
        self.cloud.behave("render scale", "fail")
        self.assertEqual(call("srv-1/scale", b'{"numInstances": 3}', once="b")[0], 500)
        self.assertEqual(call("srv-2")[0], 404)


class Applications(unittest.TestCase):
    def test_changes_while_it_runs(self) -> None:
        app = App(port=free_port())
        self.addCleanup(app.stop)

        def get(path: str, **headers: str) -> tuple[int, str]:
            try:
                with urllib.request.urlopen(urllib.request.Request(app.url + path, headers=headers), timeout=5) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, ""
        app.route("/health", body="well")
        app.route("/metrics", body=app.metrics.text)
        app.metrics.add("requests_total", 2, code="200")
        app.metrics.observe("seconds", 0.04, times=3)
        self.assertEqual(get("/health"), (200, "well"))
        text = get("/metrics")[1]
        self.assertIn('requests_total{code="200"} 2.0', text)
        self.assertIn('seconds_bucket{le="0.05"} 3.0', text)
        self.assertIn('seconds_bucket{le="0.025"} 0.0', text)
        self.assertIn("seconds_count 3.0", text)
        app.route("/health", status=503)
        self.assertEqual(get("/health")[0], 503)
        app.route("/health", status=200)
        app.require = ("X-API-Key", "k")
        self.assertEqual(get("/health")[0], 401)
        self.assertEqual(get("/health", **{"X-API-Key": "k"}), (200, "well"))
        app.stop()
        with self.assertRaises(OSError):
            get("/health")
        app.start()
        self.assertEqual(get("/health", **{"X-API-Key": "k"}), (200, "well"))


class Clock(unittest.TestCase):
    def test_examples_in_words(self) -> None:
        self.assertEqual(doctest.testmod(clock).failed, 0)

    def test_every_file_of_the_examples(self) -> None:
        for path in HERE.parent.glob("*/*.yml"):
            clock.faster(path.read_text(), 60)


if __name__ == "__main__":
    unittest.main()
