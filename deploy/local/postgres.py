"""PostgreSQL as an unprivileged user's process: its server refuses to run as root. TCP on loopback, with a password."""

import asyncio
import os
import pwd
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

import asyncpg

from deploy.local.needs import postgres_binaries
from deploy.local.processes import Spec

NAME = USER = "trappetrin"


def system_user() -> str | None:
    """As whom the server runs when we are root; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    known = {p.pw_name for p in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def binaries() -> Path:
    found = postgres_binaries()
    if found is None:
        raise FileNotFoundError("PostgreSQL's server is not installed")
    return found


def version() -> str:
    command = [str(binaries() / "postgres"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    return said.stdout.split()[2]


def folder(home: Path) -> Path:
    """Where the data is: in the stack's home, or, where the server's user may not pass into that, beside all else that
    outlives a restart of the machine.
    """
    user = system_user()
    inside = home / "postgres"
    if user is None or passable(home, user):
        return inside
    return Path("/var/tmp") / f"trappetrin-{sha256(str(home).encode()).hexdigest()[:12]}"  # noqa: S108 - mode 700, named by home


def passable(home: Path, user: str) -> bool:
    test = ["/usr/bin/setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "/usr/bin/test", "-x", str(home)]
    return subprocess.run(test, check=False).returncode == 0  # noqa: S603 - our own words


def initialise(home: Path, password: str) -> None:
    """A cluster of our own, once."""
    data, user = folder(home), system_user()
    if (data / "PG_VERSION").exists():
        return
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    with tempfile.NamedTemporaryFile("w", suffix=".pw") as secret:
        secret.write(password)
        secret.flush()
        if user is not None:
            account = pwd.getpwnam(user)
            os.chown(data, account.pw_uid, account.pw_gid)
            os.chown(secret.name, account.pw_uid, account.pw_gid)
        command = [
            str(binaries() / "initdb"), "-D", str(data), "-U", USER, "--pwfile", secret.name, "-A", "scram-sha-256",
            "-E", "UTF8", "--locale=C.UTF-8", "-N",
        ]  # fmt: skip
        groups: list[int] | None = None if user is None else []
        done = subprocess.run(  # noqa: S603 - our own words
            command, capture_output=True, text=True, check=False, user=user, group=user, extra_groups=groups, cwd="/"
        )
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed: {done.stdout[-300:]}{done.stderr[-700:]}")


def server(home: Path, port: int, log: Path) -> Spec:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "120",
        "shared_buffers": "128MB",
        "wal_compression": "on",
        "max_wal_size": "1GB",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}
    return Spec(
        "postgres", [str(binaries() / "postgres"), "-D", str(folder(home)), *options], env, log, port, system_user()
    )


def dsn(port: int, password: str, database: str = NAME) -> str:
    return f"postgresql://{USER}:{password}@127.0.0.1:{port}/{database}"


def answers(port: int, password: str) -> bool:
    """Whether the server takes connections; our database is made where it is missing."""
    try:
        asyncio.run(ensure_database(port, password))
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    return True


async def ensure_database(port: int, password: str) -> None:
    connection = await asyncpg.connect(dsn(port, password, "postgres"), timeout=3)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", NAME):
            await connection.execute(f"CREATE DATABASE {NAME}")
    finally:
        await connection.close()
