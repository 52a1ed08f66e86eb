"""The services that the detection bench kills: how each is started, watched and missed."""
import os
import shutil
import subprocess

from peers import free_port, wait_port

HERE = os.path.dirname(os.path.abspath(__file__))


class Redis:
    name = "redis"
    missing = "redis_up == 0"
    seen = "redis_up"
    peer = "Prometheus with redis_exporter"

    def __init__(self, house):
        self.house, self.port = house, free_port()

    def start(self):
        self.process = self.house.redis(self.port)

    def job(self):
        return "{job: service, targets: ['redis://127.0.0.1:%d']}" % self.port

    def exporter(self):
        """Starts what Prometheus scrapes; gives its scrape job."""
        port = free_port()
        self.house.start("prometheus-redis-exporter", "-web.listen-address", "127.0.0.1:%d" % port, "-redis.addr",
                         "redis://127.0.0.1:%d" % self.port)
        return "{job_name: service, static_configs: [{targets: ['127.0.0.1:%d']}]}" % port


class Postgres:
    name = "postgres"
    missing = "pg_up == 0"
    seen = "pg_up"
    peer = "Prometheus with postgres_exporter"

    def __init__(self, house):
        self.house, self.port = house, free_port()

    def start(self):
        self.process = self.house.postgres(self.port)

    def job(self):
        return "{job: service, targets: ['postgresql://postgres@127.0.0.1:%d/postgres?sslmode=disable']}" % self.port

    def exporter(self):
        port = free_port()
        self.house.start("prometheus-postgres-exporter", "--web.listen-address=127.0.0.1:%d" % port, "--log.level=error",
                         env={"DATA_SOURCE_NAME": "postgresql://postgres@127.0.0.1:%d/postgres?sslmode=disable" % self.port})
        return "{job_name: service, static_configs: [{targets: ['127.0.0.1:%d']}]}" % port


class Kafka:
    """One broker in KRaft mode. kafka_exporter has no word for a cluster that is gone, so its users let blackbox_exporter try the port."""
    name = "kafka"
    missing = "kafka_up == 0 or probe_success == 0"
    seen = "kafka_up or probe_success"
    peer = "Prometheus with blackbox_exporter (tcp_connect)"

    def __init__(self, house):
        self.house, self.port, self.controller = house, free_port(), free_port()
        fetch = os.path.join(HERE, "..", "tests", "kafka", "fetch.sh")
        self.folder = subprocess.run([fetch], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1]
        log = house.path("kafka")
        shutil.copytree(self.folder + "/formatted", log)
        here = "127.0.0.1:%d"
        self.properties = house.path("kafka.properties", """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@%s
listeners=PLAINTEXT://%s,CONTROLLER://%s
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=%s
offsets.topic.replication.factor=1
""" % (here % self.controller, here % self.port, here % self.controller, log))

    def start(self):
        self.process = self.house.start("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:SharedArchiveFile=%s/classes.jsa" % self.folder,
                                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", self.folder + "/*", "kafka.Kafka",
                                        self.properties)
        wait_port(self.port)

    def job(self):
        return "{job: service, kind: kafka, brokers: ['127.0.0.1:%d']}" % self.port

    def exporter(self):
        port = free_port()
        config = self.house.path("blackbox.yml", "modules: {tcp: {prober: tcp, timeout: 2s}}\n")
        self.house.start("prometheus-blackbox-exporter", "--config.file=" + config, "--web.listen-address=127.0.0.1:%d" % port)
        return ("{job_name: service, metrics_path: /probe, params: {module: [tcp], target: ['127.0.0.1:%d']}, "
                "static_configs: [{targets: ['127.0.0.1:%d']}]}" % (self.port, port))


SERVICES = {service.name: service for service in (Redis, Postgres, Kafka)}
