"""The real servers of the demos, on loopback: Redis, PostgreSQL, PgBouncer; certificates, and a small client for Redis."""
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
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-p", str(self.port),
                               "-U", "postgres", "-d", database, "-c", text], capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise OSError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()


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
        settings: dict[str, str | int] = {"listen_addresses": host, "port": port, "unix_socket_directories": str(folder), "fsync": "off",
                                          "max_connections": 50} | conf
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

    def pgbouncer(self, before: Postgres, name: str = "pgbouncer", *, port: int = 0, mode: str = "transaction",
                  users: dict[str, str] | None = None, **conf: str | int) -> Process:
        """A PgBouncer in front of that PostgreSQL; its `port` is what clients take. Anybody is let in, or these users by their passwords."""
        port = port or free_port()
        folder = self.folder / name
        folder.mkdir()
        listed = "".join(f'"{user}" "{password}"\n' for user, password in (users or {"postgres": ""}).items())
        (folder / "users.txt").write_text(listed)
        settings: dict[str, str | int] = {"listen_addr": "127.0.0.1", "listen_port": port, "unix_socket_dir": "", "auth_type": "plain" if users else "any",
                                          "auth_file": str(folder / "users.txt"), "pool_mode": mode,
                                          "ignore_startup_parameters": "extra_float_digits,options,search_path",
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
