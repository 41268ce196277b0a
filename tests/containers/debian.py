"""What comes from Debian: the machine's release by apt-get, and of the next release what this one does not have.

Compose v2 is in the next release only. Its package needs nothing of that, so it is unpacked into a folder and not
installed.
"""

import fcntl
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.local.needs import packages

NEXT = "trixie"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SOURCES = Path("/etc/apt")


def mirror(sources: Path = SOURCES) -> str:
    """Where this machine has its packages from. Raises `LookupError`."""
    for file in sorted([*sources.glob("sources.list"), *sources.glob("sources.list.d/*")]):
        if found := re.search(r"^(?:URIs:|deb(?: \[.*\])?) *(\S+/debian)/?(?=\s|$)", file.read_text(), re.MULTILINE):
            return found[1]
    raise LookupError(f"{sources} names no Debian mirror")


def install(names: Sequence[str]) -> None:
    packages(names, install=True, say=lambda _line: None)


def unpacked(names: Sequence[str], folder: Path) -> Path:
    """The root under which these packages of the next release lie; whoever comes first fetches them."""
    root = folder / "root"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all((folder / f"{name}.done").exists() for name in names):
            fetch(names, folder, root)
    return root


def fetch(names: Sequence[str], folder: Path, root: Path) -> None:
    """By an apt-get that knows of the next release, and of which the machine's own knows nothing."""
    for part in ("lists/partial", "archives/partial", "parts"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {NEXT} main\n")
    told = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": folder / "parts",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "Dir::Cache::archives": folder / "archives",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",  # the folder is ours, and Debian's own user may not write into it
    }
    apt = ["apt-get", "-qq", *(word for name, value in told.items() for word in ("-o", f"{name}={value}"))]
    subprocess.run([*apt, "update"], check=True)
    subprocess.run([*apt, "download", *names], check=True, cwd=folder)
    for name in names:
        [package] = folder.glob(f"{name}_*.deb")
        subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
        package.unlink()
        (folder / f"{name}.done").touch()
