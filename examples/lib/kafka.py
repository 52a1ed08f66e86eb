"""A Kafka cluster as a provider sells it: SASL over TLS with mechanism PLAIN; and members of a consumer group.

    kafka = Cluster(stack, nodes=2, user="KEY", password="secret")                   # comes up while other things do
    kafka.wait_up()
    kafka.topic("orders", partitions=6, replicas=2)
    kafka.produce("orders", 1000)
    members = Members(kafka, "fly/orders-worker", group="workers", topic="orders")
    stack.cloud.put("fly/orders-worker", count=2, rate=100, stuck=False)             # as many members, each so fast
    kafka.brokers[2].kill()
"""
from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processes import Failed, Missing, Process, free_port

if TYPE_CHECKING:
    from stack import Stack

FETCH = Path(__file__).resolve().parent.parent.parent / "tests" / "kafka" / "fetch.sh"


def jars() -> Path | None:
    """The folder with the broker, which comes by Maven; None where it cannot be had."""
    done = subprocess.run([str(FETCH)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return Path(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


class Cluster:
    """Brokers on free ports of 127.0.0.1. The first one is the controller too, and outlives the others."""

    def __init__(self, stack: Stack, *, nodes: int = 1, user: str, password: str) -> None:
        found = jars()
        if found is None:
            raise Missing("Kafka's jars cannot be had (tests/kafka/fetch.sh)")
        self.stack, self.user, self.password, self._jars = stack, user, password, found
        self.folder = stack.folder / "kafka"
        self.folder.mkdir()
        cert, key = stack.certificates.issue("kafka")
        # Kafka wants the key and its chain in one file.
        (self.folder / "keystore.pem").write_text(Path(key).read_text() + Path(cert).read_text())
        self._controller = free_port()
        self.ports = {node: free_port() for node in range(1, nodes + 1)}
        self.brokers: dict[int, Process] = {}
        archive = found / "classes.jsa"
        shared = [f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []
        for node in self.ports:
            self._prepare(node)
            self.brokers[node] = stack.run(f"kafka-{node}", [
                "java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *shared, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp", f"{found}/*", "kafka.Kafka", str(self.folder / f"{node}.properties")])
        stack.closers.append(lambda: [broker.kill() for broker in self.brokers.values()])  # nobody waits for a good end

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.ports[1]}"

    def client(self, **more: Any) -> dict[str, Any]:
        """librdkafka's settings to speak with it."""
        return {"bootstrap.servers": self.bootstrap, "security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "log_level": 0,
                "sasl.username": self.user, "sasl.password": self.password, "ssl.ca.location": self.stack.certificates.ca, **more}

    def wait_up(self, within: float = 60) -> None:
        """Waits until every broker is in the cluster, by the way that clients come."""
        from confluent_kafka.admin import AdminClient
        self.admin = AdminClient(self.client())

        def up() -> bool:
            for broker in self.brokers.values():
                if not broker.runs:
                    raise Failed(f"{broker.name} ended as soon as it was started")
            return len(self._known().brokers) == len(self.brokers)
        self.stack.until("Kafka", up, within)

    def topic(self, name: str, *, partitions: int = 1, replicas: int = 1, on: list[list[int]] | None = None) -> None:
        """Makes a topic; `on` says which brokers have each partition. Returns when all have leaders."""
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import NewTopic
        more = {"replica_assignment": on} if on else {"replication_factor": replicas}

        def led() -> bool:
            known = self._known().topics.get(name)
            if known is not None:
                return bool(known.partitions) and all(partition.leader >= 0 for partition in known.partitions.values())
            try:
                for made in self.admin.create_topics([NewTopic(name, num_partitions=len(on) if on else partitions, **more)]).values():
                    made.result(20)
            except KafkaException as error:  # a broker that has just come may not be taken yet
                raise OSError(str(error)) from error
            return False
        self.stack.until(f"the topic {name}", led)

    def _known(self) -> Any:
        from confluent_kafka import KafkaException
        try:
            return self.admin.list_topics(timeout=2)
        except KafkaException as error:
            raise OSError(str(error)) from error

    def produce(self, topic: str, records: int) -> None:
        """Writes so many records, evenly over the partitions; returns when the leaders have them."""
        from confluent_kafka import Producer
        partitions = len(self.stack.until(f"the topic {topic}", lambda: self._known().topics[topic].partitions))
        producer = Producer(self.client(**{"acks": 1, "linger.ms": 5}))
        for number in range(records):
            producer.produce(topic, b"a message", partition=number % partitions)
            if number % 1000 == 0:
                producer.poll(0)
        if producer.flush(20):
            raise Failed(f"records for {topic} were not taken")

    def _prepare(self, node: int) -> None:
        data = self.folder / f"data{node}"
        shutil.copytree(self._jars / "formatted", data)
        meta = (data / "meta.properties").read_text().replace("node.id=1", f"node.id={node}")
        at = meta.index("directory.id=") + len("directory.id=")
        (data / "meta.properties").write_text(meta[:at] + chr(ord("A") + node) + meta[at + 1:])
        internal = free_port()
        listeners = f"CLIENT://127.0.0.1:{self.ports[node]},INTERNAL://127.0.0.1:{internal}"
        listening = listeners + (f",CONTROLLER://127.0.0.1:{self._controller}" if node == 1 else "")
        login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        copies = len(self.ports)
        (self.folder / f"{node}.properties").write_text(f"""\
node.id={node}
process.roles={"broker,controller" if node == 1 else "broker"}
controller.quorum.voters=1@127.0.0.1:{self._controller}
controller.listener.names=CONTROLLER
listeners={listening}
advertised.listeners={listeners}
listener.security.protocol.map=CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=INTERNAL
ssl.keystore.type=PEM
ssl.keystore.location={self.folder}/keystore.pem
sasl.enabled.mechanisms=PLAIN
listener.name.client.plain.sasl.jaas.config={login} user_{self.user}="{self.password}";
log.dirs={data}
num.network.threads=1
num.io.threads=2
background.threads=2
num.recovery.threads.per.data.dir=1
log.cleaner.enable=false
auto.create.topics.enable=false
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=300
broker.session.timeout.ms=4000
replica.lag.time.max.ms=4000
controlled.shutdown.enable=false
""")


class Members:
    """A process with as many members of a group as the resource's `count` says. Each handles `rate` records a second and commits as it goes;
    while the resource is `stuck` they stay members and handle nothing."""

    def __init__(self, cluster: Cluster, resource: str, *, group: str, topic: str) -> None:
        settings = cluster.folder / f"{group}.json"
        settings.write_text(json.dumps({
            "platform": str(cluster.stack.cloud.folder), "resource": resource, "topic": topic,
            "client": cluster.client(**{
                "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest", "session.timeout.ms": 2000,
                "heartbeat.interval.ms": 300, "fetch.wait.max.ms": 50, "partition.assignment.strategy": "roundrobin"})}))
        self.process = cluster.stack.run("members", [sys.executable, str(Path(__file__).resolve()), str(settings)])

    def kill(self) -> None:
        """All members die at once, without a word to the brokers."""
        self.process.kill()

    def start(self) -> None:
        self.process.start()


def run_members(settings: Path) -> None:
    """What the process of `Members` does."""
    import threading

    from cloud import Cloud
    from confluent_kafka import Consumer, KafkaException, TopicPartition

    said = json.loads(settings.read_text())
    cloud, resource, topic = Cloud(Path(said["platform"])), said["resource"], said["topic"]
    wish: dict[str, Any] = {"count": 0, "rate": 100, "stuck": False} | cloud.get(resource)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    def member(number: int) -> None:
        consumer = Consumer(said["client"])
        fresh: list[Any] = []
        fetched: dict[int, int] = {}  # partition -> the record after the last one that is here
        handled: dict[int, int] = {}

        def assigned(_: Any, partitions: list[Any]) -> None:
            fetched.clear()
            handled.clear()
            fresh.extend(partitions)
        consumer.subscribe([topic], on_assign=assigned)
        at = time.monotonic()
        while number < wish["count"]:
            try:
                if fresh:  # what has no commit has no lag either: a group is known from its first look on
                    new = [TopicPartition(topic, p.partition, 0) for p in consumer.committed(fresh, timeout=5) if p.offset < 0]
                    if new:
                        consumer.commit(offsets=new, asynchronous=False)
                    fresh.clear()
                for message in consumer.consume(2000, timeout=0.05):
                    if not message.error():
                        handled.setdefault(message.partition(), message.offset())
                        fetched[message.partition()] = message.offset() + 1
                waiting = [partition for partition, end in fetched.items() if end > handled[partition]]
                due = int((time.monotonic() - at) * wish["rate"])
                if wish["stuck"] or not waiting:
                    at = time.monotonic()
                elif due >= len(waiting):  # a little of each partition in turn
                    at = time.monotonic()
                    for partition in waiting:
                        handled[partition] = min(fetched[partition], handled[partition] + due // len(waiting))
                    consumer.commit(offsets=[TopicPartition(topic, partition, handled[partition]) for partition in waiting], asynchronous=False)
            except KafkaException:
                time.sleep(0.05)  # the group is being divided anew
        consumer.close()

    running: dict[int, threading.Thread] = {}
    while True:
        wish.update(cloud.get(resource))
        for number in range(wish["count"]):
            if number not in running or not running[number].is_alive():
                running[number] = threading.Thread(target=member, args=(number,), daemon=True)
                running[number].start()
        time.sleep(0.1)


if __name__ == "__main__":
    run_members(Path(sys.argv[1]))
