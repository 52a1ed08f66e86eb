#!/usr/bin/python3
"""construct, live: Kafka (SASL over TLS, two brokers), Redis, PostgreSQL behind PgBouncer, a WebSocket server, a gRPC gateway, delivery workers and
Alertmanager on loopback, a stand-in for fly, and tocsin with the configuration of this folder.

    demo.py [--tocsin BINARY] [--once]
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from kafka import Cluster, Members  # noqa: E402
from messenger import Gateway, Sockets  # noqa: E402
from processes import Failed, Process  # noqa: E402
from stack import Stack  # noqa: E402

GROUP, TOPIC = "cnstrct-dlvr-wrkrs", "cnstrct-msg"
WORKERS, SERVERS = "fly/construct-delivery-worker", "fly/construct-server"
PARTITIONS = 6

# What the faster clock does not know: lengths of time that are measured, and those of a single call.
SECONDS = {
    "thresholds.yml": {"stalled_seconds, below: 120, clear_above: 180": "stalled_seconds, below: 3, clear_above: 4",
                       "stalled_seconds, above: 300, clear_below: 150": "stalled_seconds, above: 6, clear_below: 3",
                       "lag_seconds, above: 60, clear_below: 30": "lag_seconds, above: 6, clear_below: 3"},
    "actions.yml": {"target_value: 60\n": "target_value: 6\n", " 60 * scalar": " 6 * scalar"},
}


class Construct:
    """The stack's applications, as stand-ins. What they count depends on what runs."""

    def __init__(self, stack: Stack, cache: Process, pooler: Process) -> None:
        self.stack, self.cache, self.pooler = stack, cache, pooler
        self.connections, self.used_memory = 700, 600  # of all servers; MB of each
        self.limited_each_second, self.acknowledged = 0.0, 1.0
        self.sockets, self.gateway = Sockets(stack.port("SERVER_PORT")), Gateway(stack.port("GATEWAY_PORT"))
        self.server, self.worker = stack.app("server"), stack.app("worker")
        stack.env |= {"SERVER_URL": self.sockets.url, "GATEWAY_URL": self.gateway.url,
                      "SERVER_METRICS_URL": self.server.url + "/metrics", "WORKER_METRICS_URL": self.worker.url + "/metrics"}
        self.count()
        stack.every(0.2, self.count)

    def count(self) -> None:
        servers, metrics = self.stack.cloud.get(SERVERS), self.server.metrics
        for machine in range(servers["count"]):
            metrics.gauge("construct_server_connections", self.connections / servers["count"], machine=str(machine))
            metrics.gauge("construct_server_memory_bytes", self.used_memory * 2**20, machine=str(machine))
            metrics.gauge("construct_server_memory_limit_bytes", servers["memory"] * 2**20, machine=str(machine))
        metrics.add("construct_message_limit_hits_total", self.limited_each_second * 0.2)
        self.worker.metrics.add("construct_deliveries_total", 20)
        self.worker.metrics.add("construct_delivery_acks_total", 20 * self.acknowledged)


def begin(stack: Stack) -> tuple[Cluster, Construct, Members]:
    """Everything that the stack is made of. Brokers need some seconds, so they begin first."""
    kafka = Cluster(stack, nodes=2, user="CONSTRUCTKEY", password=stack.secret("kafka-api-secret", "kafka-s3cret"))
    stack.env |= {"KAFKA_BOOTSTRAP": kafka.bootstrap, "KAFKA_API_KEY": kafka.user, "KAFKA_CA_FILE": stack.certificates.ca}
    stack.cloud.put("fly_account", token=stack.secret("fly-token", "fly-t0ken"))
    stack.cloud.put(WORKERS, count=2, memory=512, rate=500, stuck=False)
    stack.cloud.put(SERVERS, count=2, memory=1024)
    for file, changes in SECONDS.items():
        stack.edit(file, changes)

    redis = stack.redis(password="redis-s3cret")
    stack.secret("redis-url", f"redis://default:redis-s3cret@127.0.0.1:{redis.port}")
    pooler = stack.pgbouncer(stack.postgres(), users={"postgres": "pg-s3cret"})
    stack.secret("database-url", f"postgresql://postgres:pg-s3cret@127.0.0.1:{pooler.port}/postgres?sslmode=disable")
    construct = Construct(stack, redis.process, pooler)
    stack.alertmanager(routes=[
        ({"alertname": "DeliveryLagging", "severity": "warning"}, "construct-delivery"),
        ({"alertname": "DeliveryWorkersStuck", "severity": "critical"}, "construct-page"),
        ({"alertname": "KafkaBrokerGone", "severity": "warning"}, "construct-delivery"),
        ({"alertname": "MessageLimitHitOften", "severity": "warning"}, "construct-abuse"),
        ({"alertname": "ServersCrowded", "severity": "warning"}, "construct-chat"),
        ({"alertname": "TocsinActionBreakerOpen", "severity": "critical"}, "construct-operations"),
        ({"alertname": "TocsinWatchdog", "severity": "none"}, "dead-mans-switch")])
    kafka.wait_up()
    kafka.topic(TOPIC, partitions=PARTITIONS, replicas=2)
    kafka.topic("cnstrct-presence", on=[[2]])  # one copy, on the second broker
    members = Members(kafka, WORKERS, group=GROUP, topic=TOPIC)
    kafka.produce(TOPIC, PARTITIONS)
    stack.say(f"Kafka (SASL_SSL) on {kafka.bootstrap} and :{kafka.ports[2]}, Redis on :{redis.port}, PgBouncer on :{pooler.port}")
    stack.tocsin()
    stack.test_rules()
    stack.until("the group's lag", lambda: stack.value(f'kafka_consumergroup_members{{consumergroup="{GROUP}"}}') == 2 and
                stack.value(f'kafka:consumergroup_lag:sum{{consumergroup="{GROUP}"}}') == 0)
    return kafka, construct, members


def slow(stack: Stack, kafka: Cluster, construct: Construct) -> None:
    stack.chapter("More messages come than two workers deliver, and more people than two servers carry")
    stack.cloud.behave("fly scale count", "stall", resource=WORKERS)
    stack.cloud.behave("fly scale count", "lie", resource=SERVERS)
    silence = stack.silence("the campaign was announced", alertname="DeliveryLagging")
    kafka.produce(TOPIC, 40000)
    construct.connections = 1280
    stack.alert("DeliveryLagging", silenced=True)
    stack.idle("workers-for-records", "silenced")
    stack.called("fly scale count", 0, resource=WORKERS)
    stack.until("an order for servers", lambda: any(call["status"] == 0 for call in stack.calls("fly scale count", SERVERS)))
    stack.cloud.behave("fly scale count", "hang", resource=SERVERS)  # the next time
    stack.command("actions", "pause")
    stack.expire(silence)
    stack.alert("DeliveryLagging", receiver="construct-delivery", silenced=False)
    stack.alert("DeliveryLate", receiver="construct-delivery")
    stack.idle("workers-for-seconds", "paused")
    stack.called("fly scale count", 0, resource=WORKERS)
    stack.command("actions", "resume")

    # Both actions ask for more of the same; fly makes the change and never says so.
    stack.action("workers-for-records", "started", "unknown", "succeeded")
    stack.action("workers-for-seconds", "skipped", reason="workers-for-records")
    stack.alert("TocsinActionTaken", receiver="construct-operations", action="workers-for-records")
    stack.action("workers-for-records", "effective")
    stack.no_alert("DeliveryLagging")
    stack.no_alert("DeliveryLate")
    call, = stack.called("fly scale count", 1, resource=WORKERS)
    if call["to"] != str(PARTITIONS):
        raise Failed(f"there are {PARTITIONS} partitions, and {call['to']} workers were ordered")
    stack.cloud.behave("fly scale count", "ok", resource=WORKERS)


def bounded(stack: Stack, kafka: Cluster) -> None:
    stack.chapter("Fly's autoscaler makes them eight, and a second burst comes")
    stack.cloud.put(WORKERS, count=8, rate=150)
    kafka.produce(TOPIC, 20000)
    stack.alert("DeliveryLagging", receiver="construct-delivery")
    stack.action("workers-for-records", "adopted", reason="from 6 to 8")
    stack.idle("workers-for-records", "there are 8 already")
    stack.alert("TocsinActionDrift", receiver="construct-operations", target="construct-delivery-worker", to="8")
    stack.cloud.put(WORKERS, rate=1000)
    stack.no_alert("DeliveryLagging")
    stack.called("fly scale count", 1, resource=WORKERS)


def broken(stack: Stack, kafka: Cluster, construct: Construct, members: Members) -> None:
    stack.chapter("Workers are there and handle nothing: stuck, and not slow. And whatever else may break")
    stack.cloud.put(WORKERS, stuck=True)
    construct.sockets.refuse = 503
    construct.gateway.serving = False
    construct.limited_each_second, construct.acknowledged = 5, 0.6
    kafka.produce(TOPIC, 6000)
    stack.alert("DeliveryWorkersStuck", receiver="construct-page")
    stack.never("DeliveryLagging")
    stack.never("DeliveryLate")
    stack.alert("WebSocketUpgradeRefused", receiver="construct-page")
    stack.never("WebSocketServerDown")
    stack.alert("GatewayNotServing", receiver="construct-page")
    stack.never("GatewayDown")
    stack.alert("MessageLimitHitOften", receiver="construct-abuse")
    stack.alert("DeliveryAcknowledgementsBehind", inhibited=True)
    construct.sockets.refuse = None
    construct.gateway.serving = True
    construct.limited_each_second = 0
    stack.cloud.put(WORKERS, stuck=False)
    for name in ("DeliveryWorkersStuck", "WebSocketUpgradeRefused", "GatewayNotServing"):
        stack.no_alert(name)
    stack.alert("DeliveryAcknowledgementsBehind", receiver="construct-delivery", inhibited=False)
    construct.acknowledged = 1

    stack.chapter("All workers die")
    members.kill()
    kafka.produce(TOPIC, 600)
    stack.alert("DeliveryWorkersGone", receiver="construct-page")
    members.start()
    stack.no_alert("DeliveryWorkersGone")
    stack.called("fly scale count", 1, resource=WORKERS)


def servers(stack: Stack, construct: Construct) -> None:
    stack.chapter("For the servers fly said that it was done, and it was not; then it said nothing at all")
    action = "servers-for-connections"
    stack.alert("ServersCrowded", receiver="construct-chat")
    stack.action(action, "started", "failed", reason="the call ended well, but")
    stack.action(action, "unknown")
    stack.action(action, "failed", reason="nothing has changed")
    stack.alert("TocsinActionFailed", receiver="construct-operations", action=action)
    stack.alert("TocsinActionBreakerOpen", receiver="construct-operations", action=action)
    stack.idle(action, "breaker")
    stack.called("fly scale count", 2, resource=SERVERS)
    stack.cloud.behave("fly scale count", "ok", resource=SERVERS)
    stack.command("actions", "rearm", action)
    stack.action(action, "effective")
    stack.no_alert("ServersCrowded")
    calls = stack.called("fly scale count", 3, resource=SERVERS)
    if calls[-1]["to"] != "3":
        raise Failed(f"1280 connections are for 3 servers, and {calls[-1]['to']} were ordered")

    stack.chapter("The servers' memory fills up")
    construct.used_memory = 950
    stack.alert("ServerMemoryHigh", receiver="construct-chat")
    stack.action("server-memory", "awaiting_approval")
    stack.alert("TocsinActionApprovalAwaited", receiver="construct-operations", action="server-memory")
    stack.called("fly scale memory", 0)
    stack.command("actions", "approve", "server-memory")
    stack.action("server-memory", "started", "effective")
    stack.no_alert("ServerMemoryHigh")
    stack.called("fly scale memory", 1)


def story(stack: Stack) -> None:
    kafka, construct, members = begin(stack)
    slow(stack, kafka, construct)
    bounded(stack, kafka)
    broken(stack, kafka, construct, members)
    servers(stack, construct)

    stack.chapter("A broker is gone, and the cache, the pooler, the gateway and the WebSocket server with it")
    kafka.brokers[2].kill()
    construct.cache.kill()
    construct.pooler.kill()
    construct.gateway.stop()
    construct.sockets.stop()
    for name in ("RedisInstanceDown", "PostgresInstanceDown", "GatewayDown", "WebSocketServerDown", "KafkaPartitionsOffline"):
        stack.alert(name, receiver="construct-page")
    stack.alert("KafkaBrokerGone", receiver="construct-delivery")
    stack.alert("KafkaPartitionsUnderReplicated", inhibited=True)
    stack.never("GatewayNotServing")
    stack.never("WebSocketUpgradeRefused")
    stack.called("fly scale count", 4)


if __name__ == "__main__":
    Stack.main(__file__, story)
