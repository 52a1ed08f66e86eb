"""The real servers of the demos, on loopback: Redis, PostgreSQL, PgBouncer, Kafka; certificates, and a small client for Redis."""
from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

from processes import Failed, Place, Process, find_program, free_port

REPOSITORY = Path(__file__).resolve().parent.parent.parent


class Certificates:
    """An authority of the demo's own (`ca`), and what it signs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.ca = str(folder / "ca.pem")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=demo authority",
                      "-keyout", str(folder / "ca.key"), "-out", self.ca)

    def issue(self, name: str, *, days: int = 90, names: str = "DNS:localhost,IP:127.0.0.1,IP:::1") -> tuple[str, str]:
        """A server's certificate and key (files); valid for so many days from now."""
        key, cert, request, extra = (str(self.folder / f"{name}.{end}") for end in ("key", "pem", "csr", "ext"))
        Path(extra).write_text(f"subjectAltName={names}\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", str(self.folder / "ca.key"), "-CAcreateserial", "-days", str(days),
                      "-extfile", extra, "-out", cert)
        for path in (key, cert):
            os.chmod(path, 0o644)  # servers run as users of their own
        return cert, key

    @staticmethod
    def _openssl(*arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"openssl {arguments[0]}: {done.stderr}")


class RedisError(Exception):
    """What Redis answered with `-`."""


class Redis:
    """A Redis server, and commands to it: `redis("SET", "a", "1")`."""

    def __init__(self, process: Process, port: int, host: str, password: str, ca: str) -> None:
        self.process, self.port, self.host, self.password, self._ca = process, port, host, password, ca

    def __call__(self, *words: str | int | bytes, password: str | None = None) -> Any:
        return self.pipeline([words], password=password)[0]

    def pipeline(self, commands: list[tuple[str | int | bytes, ...]], *, password: str | None = None) -> list[Any]:
        """Many commands on one connection. An error of the last one is raised."""
        connection = self.connect()
        with connection, connection.makefile("rb") as answers:
            secret = self.password if password is None else password
            if secret:
                commands = [("AUTH", secret), *commands]
            connection.sendall(b"".join(self._encode(command) for command in commands))
            replies = [self._read(answers) for _ in commands]
        for reply in replies[:1] if secret else []:
            if isinstance(reply, RedisError):
                raise reply
        if isinstance(replies[-1], RedisError):
            raise replies[-1]
        return replies[1:] if secret else replies

    def connect(self) -> socket.socket:
        """A connection, not logged in."""
        connection: socket.socket = socket.create_connection((self.host, self.port), timeout=10)
        if self._ca:
            connection = ssl.create_default_context(cafile=self._ca).wrap_socket(connection, server_hostname=self.host)
        return connection

    def info(self, field: str) -> str:
        for line in str(self("INFO", "everything")).splitlines():
            if line.startswith(field + ":"):
                return line.split(":", 1)[1]
        return ""

    @staticmethod
    def _encode(words: tuple[str | int | bytes, ...]) -> bytes:
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)

    def _read(self, answers: Any) -> Any:
        line = answers.readline()
        if not line:
            raise OSError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"-":
            return RedisError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == "-1" else answers.read(int(rest) + 2)[:-2].decode(errors="replace")
        if kind == b"*":
            return [self._read(answers) for _ in range(int(rest))]
        return rest


class Postgres:
    """A PostgreSQL server. `sql` runs as its superuser over the Unix socket."""

    def __init__(self, process: Process, port: int, folder: Path) -> None:
        self.process, self.port, self.folder = process, port, folder

    def sql(self, text: str, *, database: str = "postgres") -> str:
        """Runs statements; their output, unaligned, without headings."""
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-p", str(self.port), "-U", "postgres", "-d", database,
                               "-c", text], capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise OSError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()


class Kafka:
    """A broker (or several). `bootstrap` is the plain listener's address of the first, `secure` the SASL_SSL one's, `ca` its authority."""

    def __init__(self, processes: list[Process], ports: list[int], secure_port: int, ca: str, jars: Path, properties: list[Path]) -> None:
        self.processes, self.ports, self.secure_port, self.ca, self.jars, self.properties = processes, ports, secure_port, ca, jars, properties
        self.bootstrap, self.secure = f"127.0.0.1:{ports[0]}", f"127.0.0.1:{secure_port}"

    def java(self, main: str, *arguments: str) -> list[str]:
        """The command line of one of Kafka's own tools, such as `kafka.tools.ConsoleProducer`."""
        return ["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp", f"{self.jars}/*", main, *arguments]

    def tool(self, main: str, *arguments: str, feed: str = "") -> str:
        done = subprocess.run(self.java(main, *arguments), input=feed, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Failed(f"{main}: {done.stderr or done.stdout}")
        return done.stdout


_KAFKA_COMMON = """controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
num.network.threads=1
num.io.threads=2
background.threads=2
num.recovery.threads.per.data.dir=1
log.cleaner.enable=false
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=2000
replica.lag.time.max.ms=2000
controlled.shutdown.enable=false
"""


class Servers(Place):
    """What a stack starts of real servers."""

    def __init__(self) -> None:
        super().__init__()
        self._certificates: Certificates | None = None

    @property
    def certificates(self) -> Certificates:
        if self._certificates is None:
            self._certificates = Certificates(self.folder / "certificates")
        return self._certificates

    def redis(self, name: str = "redis", *, port: int = 0, host: str = "127.0.0.1", password: str = "", tls: bool = False, renamed: dict[str, str] | None = None,
              save: str = "", **conf: str | int) -> Redis:
        """A Redis. `renamed` renames commands ("" takes them away), `save` is its snapshot schedule, further words are its settings
        (`maxmemory="32mb", maxmemory_policy="allkeys-lru"`)."""
        port = port or free_port(host)
        folder = self.folder / name
        folder.mkdir()
        lines = [f"bind {host}", f"dir {folder}", f'save "{save}"', "daemonize no", "protected-mode no"]
        lines += [f"{key.replace('_', '-')} {value}" for key, value in ({"appendonly": "no"} | conf).items()]
        if tls:
            cert, key = self.certificates.issue(name)
            lines += ["port 0", f"tls-port {port}", f"tls-cert-file {cert}", f"tls-key-file {key}", f"tls-ca-cert-file {self.certificates.ca}",
                      "tls-auth-clients no", "tls-replication yes"]
        else:
            lines.append(f"port {port}")
        if password:
            lines += [f"requirepass {password}", f"masterauth {password}"]
        lines += [f'rename-command {command} "{new}"' for command, new in (renamed or {}).items()]
        (folder / "redis.conf").write_text("\n".join(lines) + "\n")
        process = self.run(name, [find_program("redis-server"), str(folder / "redis.conf")])
        redis = Redis(process, port, host, password, self.certificates.ca if tls else "")
        self.until(f"Redis on :{port}", lambda: redis("PING") == "PONG")
        return redis

    def postgres(self, name: str = "postgres", *, port: int = 0, host: str = "127.0.0.1", tls: bool = False, hba: str = "", **conf: str | int) -> Postgres:
        """A PostgreSQL. Everybody is let in without a password unless `hba` (lines of pg_hba.conf) says otherwise."""
        port = port or free_port(host)
        tools = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
        if not tools:
            raise Failed("PostgreSQL is not installed")
        folder = self.folder / name
        folder.mkdir()
        user = "postgres" if os.getuid() == 0 else ""
        run_as = [find_program("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] if user else []
        if user:
            shutil.chown(folder, user)
        settings: dict[str, str | int] = {"listen_addresses": host, "port": port, "unix_socket_directories": str(folder), "fsync": "off", "max_connections": 50} | conf
        with open(self.logs / f"{name}.log", "ab") as log:
            done = subprocess.run([*run_as, f"{tools[-1]}/initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C",
                                   "--no-instructions"], stdout=log, stderr=log, cwd="/")
        if done.returncode:
            raise Failed("initdb failed")
        if tls:
            cert, key = self.certificates.issue(name)
            for source, target in ((cert, "server.crt"), (key, "server.key")):
                copy = folder / "data" / target
                shutil.copy(source, copy)
                copy.chmod(0o600)
                if user:
                    shutil.chown(copy, user)
            settings["ssl"] = "on"
        if hba:
            (folder / "data" / "pg_hba.conf").write_text("local all all trust\n" + hba)
        arguments = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        process = self.run(name, [f"{tools[-1]}/postgres", "-D", f"{folder}/data", *arguments], user=user, cwd=Path("/"))
        postgres = Postgres(process, port, folder)
        self.until(f"PostgreSQL on :{port}", lambda: postgres.sql("SELECT 1") == "1")
        return postgres

    def pgbouncer(self, before: Postgres, name: str = "pgbouncer", *, port: int = 0, mode: str = "transaction", users: dict[str, str] | None = None, **conf: str | int) -> Process:
        """A PgBouncer in front of that PostgreSQL; its `port` is what clients take. Anybody is let in, or these users by their passwords."""
        port = port or free_port()
        folder = self.folder / name
        folder.mkdir()
        listed = "".join(f'"{user}" "{password}"\n' for user, password in (users or {"postgres": ""}).items())
        (folder / "users.txt").write_text(listed)
        settings: dict[str, str | int] = {"listen_addr": "127.0.0.1", "listen_port": port, "unix_socket_dir": "", "auth_type": "plain" if users else "any",
                                          "auth_file": str(folder / "users.txt"), "pool_mode": mode, "ignore_startup_parameters": "extra_float_digits,options,search_path",
                                          "admin_users": "postgres", "max_client_conn": 100, "default_pool_size": 10} | conf
        user = " user=postgres" if not users else ""
        lines = ["[databases]", f"* = host=127.0.0.1 port={before.port}{user}", "[pgbouncer]", *(f"{key} = {value}" for key, value in settings.items())]
        (folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
        for path in folder.iterdir():
            path.chmod(0o644)
        process = self.run(name, [find_program("pgbouncer"), str(folder / "pgbouncer.ini")], user="postgres" if os.getuid() == 0 else "")
        self.port_opens(process, port)
        process.port = port  # type: ignore[attr-defined]
        return process

    def kafka(self, name: str = "kafka", *, nodes: int = 1, secure: dict[str, str] | None = None, port: int = 0, secure_port: int = 0) -> Kafka | None:
        """A broker in KRaft mode (the first of `nodes` is the controller, too). `secure` ({user: password}) adds a SASL_SSL listener with PLAIN to the first.
        None where Kafka's jars cannot be had."""
        fetched = subprocess.run([REPOSITORY / "tests" / "kafka" / "fetch.sh"], capture_output=True, text=True)
        if fetched.returncode:
            return None
        jars = Path(fetched.stdout.strip().splitlines()[-1])
        ports = [port or free_port(), *(free_port() for _ in range(nodes - 1))]
        controller, secure_port = free_port(), secure_port or free_port()
        processes, properties = [], []
        for index in range(nodes):
            folder = self.folder / f"{name}{index + 1}"
            shutil.copytree(jars / "formatted", folder / "log")
            meta = (folder / "log" / "meta.properties").read_text().replace("node.id=1", f"node.id={index + 1}")
            at = meta.index("directory.id=") + len("directory.id=")
            (folder / "log" / "meta.properties").write_text(meta[:at] + chr(ord("A") + index) + meta[at + 1:])
            text = self._kafka_properties(index, ports[index], controller, secure_port if secure and index == 0 else 0, folder) + _KAFKA_COMMON
            if secure and index == 0:
                text += self._kafka_secure(name, secure)
            path = folder / "server.properties"
            path.write_text(text)
            shared = [f"-XX:SharedArchiveFile={jars}/classes.jsa"] if (jars / "classes.jsa").exists() else []
            processes.append(self.run(f"{name}{index + 1}", ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *shared,
                                                              "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars}/*", "kafka.Kafka", str(path)]))
            properties.append(path)
        for process, each in zip(processes, ports):
            self.port_opens(process, each, within=60)
        if secure:
            self.port_opens(processes[0], secure_port, within=60)
        return Kafka(processes, ports, secure_port, self.certificates.ca if secure else "", jars, properties)

    @staticmethod
    def _kafka_properties(index: int, port: int, controller: int, secure_port: int, folder: Path) -> str:
        listeners, protocols = f"PLAIN://127.0.0.1:{port}", "PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT"
        if secure_port:
            listeners += f",SASLTLS://127.0.0.1:{secure_port}"
            protocols += ",SASLTLS:SASL_SSL"
        text = f"node.id={index + 1}\nadvertised.listeners={listeners}\n"
        if index == 0:
            listeners += f",CONTROLLER://127.0.0.1:{controller}"
        roles = "broker,controller" if index == 0 else "broker"
        return text + (f"listeners={listeners}\nlistener.security.protocol.map={protocols}\nprocess.roles={roles}\n"
                       f"controller.quorum.voters=1@127.0.0.1:{controller}\nlog.dirs={folder}/log\n")

    def _kafka_secure(self, name: str, users: dict[str, str]) -> str:
        cert, key = self.certificates.issue(name)
        store = self.folder / "certificates" / f"{name}-store.pem"  # Kafka wants the key and its chain in one file
        # Java takes PKCS#8 keys alone, as openssl writes them.
        store.write_text(Path(key).read_text() + Path(cert).read_text())
        known = " ".join(f'user_{user}="{password}"' for user, password in users.items())
        return (f"ssl.keystore.type=PEM\nssl.keystore.location={store}\nssl.truststore.type=PEM\nssl.truststore.location={self.certificates.ca}\n"
                "sasl.enabled.mechanisms=PLAIN\n"
                f"listener.name.sasltls.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {known};\n")
