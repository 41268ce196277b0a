"""A Docker engine of the tests' own: data, socket and programs in one folder, so that no other one is touched.

It stays between runs what it has built. It needs root, since containers do.
"""

import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local import kafka
from deploy.local.needs import stop_server
from deploy.local.settings import ROOT, cache
from tests.containers.compose import FILE, PLUGINS
from tests.containers.debian import install, mirror, unpacked

STANDINS = Path(__file__).parent / "standins" / "compose.yml"
BASE = "debian:bookworm-slim"
READY = 60.0
NO_SERVERS = "#!/bin/sh\nexit 101\n"
"""policy-rc.d, as the official image has it: nothing is started because it is installed."""


class Engine:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DOCKER_HOST": f"unix://{folder}/docker.sock",
            "DOCKER_CONFIG": str(folder / "config"),
            "STANDIN_KAFKA": str(folder / "kafka"),
        }

    def docker(self, *words: str, env: Mapping[str, str] | None = None, limit: float = 600) -> str:
        """What it prints. Raises `AssertionError` with what it says is wrong."""
        done = subprocess.run(
            ["docker", *words],
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
            cwd=ROOT,
        )

        assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout

    @contextmanager
    def running(self) -> Iterator["Engine"]:
        """Until the end of the block; then every container stops with it."""
        self.prepare()
        command = [
            "dockerd", f"--data-root={self.folder}/data", f"--exec-root={self.folder}/exec",
            f"--host={self.env['DOCKER_HOST']}", f"--pidfile={self.folder}/docker.pid",
        ]  # fmt: skip
        with (self.folder / "dockerd.log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            self.wait(process)
            yield self
        finally:
            process.terminate()
            process.wait(60)

    def prepare(self) -> None:
        """The engine's programs; Compose and the builder as plugins of the command."""
        if not (shutil.which("dockerd") and shutil.which("iptables")):
            install(["docker.io", "iptables"])
            stop_server("docker")
        root = unpacked(["docker-compose", "docker-buildx"], cache() / "debian-next")
        plugins = self.folder / "config" / "cli-plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        for plugin in (root / PLUGINS).iterdir():
            (plugins / plugin.name).unlink(missing_ok=True)
            (plugins / plugin.name).symlink_to(plugin)

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY
        while subprocess.run(["docker", "info"], env=self.env, capture_output=True, check=False).returncode != 0:
            assert process.poll() is None, (self.folder / "dockerd.log").read_text()[-3000:]
            assert time.monotonic() < deadline, "the engine does not answer"
            time.sleep(0.2)

    # Images

    def build(self) -> None:
        """All images that the file names but Grafana's, those that others stand on first."""
        if BASE not in self.docker("images", "--format", "{{.Repository}}:{{.Tag}}").split():
            self.import_base()
        self.lay_kafka()
        compose = ["compose", "--progress", "plain", "--file", str(FILE), "--file", str(STANDINS), "--profile", "bases"]
        told = {"TRAPPETRIN_PASSWORD": "x", "GRAFANA_PASSWORD": "x"}
        for names in (["java"], ["maven"], []):
            profile = ["--profile", "monitoring"] if not names else []
            self.docker(*compose, *profile, "build", *names, env=told)

    def lay_kafka(self) -> None:
        """What its stand-in is made of: the jars of the local stack, whose sums are known, and how they are started."""
        kafka.install(cache(), lambda _line: None)
        shutil.rmtree(self.folder / "kafka", ignore_errors=True)
        shutil.copytree(STANDINS.parent / "kafka", self.folder / "kafka")
        for jar in kafka.jars(cache()).iterdir():
            shutil.copy2(jar, self.folder / "kafka")

    def import_base(self) -> None:
        """Debian's own root, as slim as the official image, with what this machine trusts besides."""
        if not shutil.which("debootstrap"):
            install(["debootstrap"])
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            root = Path(folder) / "root"
            words = ["debootstrap", "--variant=minbase", BASE.partition(":")[2].removesuffix("-slim"), str(root)]
            subprocess.run([*words, mirror()], check=True, capture_output=True)
            for path in ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/lib/apt/lists", "var/cache/apt"):
                shutil.rmtree(root / path)
                (root / path).mkdir()
            (root / "usr/sbin/policy-rc.d").write_text(NO_SERVERS)
            (root / "usr/sbin/policy-rc.d").chmod(0o755)
            (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(
                "path-exclude /usr/share/doc/*\npath-exclude /usr/share/man/*\npath-exclude /usr/share/locale/*\n"
            )
            (root / "etc/pip.conf").write_text("[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n")
            trusted = Path("/usr/local/share/ca-certificates")
            shutil.copytree(trusted, root / trusted.relative_to("/"), dirs_exist_ok=True)
            archive = Path(folder) / "root.tar"
            with tarfile.open(archive, "w") as tar:
                tar.add(root, arcname=".")
            path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            self.docker("import", "--change", f"ENV {path}", "--change", 'CMD ["bash"]', str(archive), BASE)


def engine() -> Engine:
    return Engine(cache() / "engine")


def main() -> None:
    """`python -m tests.containers.engine`: build the images, and tell how large they are."""
    with engine().running() as running:
        began = time.monotonic()
        running.build()
        print(running.docker("images"))  # noqa: T201 - the answer of this command
        print(f"built in {time.monotonic() - began:.0f} s")  # noqa: T201 - as above


if __name__ == "__main__":
    main()
