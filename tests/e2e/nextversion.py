"""The next version of the system, made of this one's own text: what a minor release may change, changed.

Events with fields that this version does not know, at the top and further in; a column that the new code cannot write
without, so that it needs its pre-migration; a post-migration; a version of its own. Each text that is replaced must be
there exactly once, so that a change of the code is noticed.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local.processes import Spec
from deploy.local.settings import ROOT
from deploy.local.stack import Book, Stack

NEXT = "9.0.0"
REPLACED: Sequence[tuple[str, str, str]] = (
    (
        "shared/events/internal/colours.py",
        "    agreements: Text\n    timeline:",
        "    told_by: Text | None = None\n    agreements: Text\n    timeline:",
    ),
    (
        "shared/events/internal/colours.py",
        "    before: Colour\n    after: Colour\n",
        "    before: Colour\n    after: Colour\n    noted: Text = 'by the next version'\n",
    ),
    (
        "services/classifier/domain/__init__.py",
        "agreements=parameters.agreements.version,",
        f"agreements=parameters.agreements.version, told_by='{NEXT}',",
    ),
    (
        "shared/events/internal/quotas.py",
        "    next_must_be_reported: bool = False\n",
        "    next_must_be_reported: bool = False\n    told_by: Text | None = None\n",
    ),
    ("services/quota/domain/balance.py", "    return Quota(\n", f"    return Quota(\n        told_by='{NEXT}',\n"),
    (
        "shared/runtime/postgres.py",
        "INSERT INTO conclusion (task, entity, kind, key, version, body) SELECT c.* FROM",
        "INSERT INTO conclusion (task, entity, kind, key, version, body, writer) SELECT c.*, 'the next version' FROM",
    ),
    (
        "shared/runtime/postgres.py",
        "SET version = excluded.version, body = excluded.body)",
        "SET version = excluded.version, body = excluded.body, writer = excluded.writer)",
    ),
)
ADDED = {
    "shared/runtime/migrations/9000_writer.sql": "ALTER TABLE conclusion ADD writer text DEFAULT 'nobody knows';",
    "shared/runtime/migrations/9000_writer.post.sql": "ALTER TABLE conclusion ALTER COLUMN writer SET NOT NULL;",
    f"trappetrin-{NEXT}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: trappetrin\nVersion: {NEXT}\n",
}


def make(tree: Path) -> Path:
    for room in ("services", "shared", "deploy"):
        shutil.copytree(ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name, old, new in REPLACED:
        text = (tree / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name} has not exactly one {old!r}"
        (tree / name).write_text(text.replace(old, new), encoding="utf-8")
    for name, text in ADDED.items():
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")
    return tree


def of_tree(tree: Path) -> dict[str, str]:
    """The environment in which Python finds that version, and not the one in whose folder it is started."""
    return {"PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    said: str


class Mixed(Stack):
    """A stack of two versions: the processes named in `newer` are those of `tree`."""

    def __init__(self, folder: Path, tree: Path) -> None:
        super().__init__(folder)
        self.tree, self.newer = tree, frozenset[str]()

    def service(self, book: Book, name: str) -> Spec:
        spec = super().service(book, name)
        return replace(spec, env={**spec.env, **of_tree(self.tree)}) if name in self.newer else spec

    def migrate(self, *words: str) -> Answer:
        """By the newer version's own console."""
        command = [sys.executable, "-m", "services.cli.main", "migrate", *words]
        env = {**of_tree(self.tree), "TRAPPETRIN_DATABASE": self.dsn or ""}
        done = subprocess.run(command, env=env, check=False, capture_output=True, text=True, timeout=100)
        return Answer(done.returncode, done.stdout + done.stderr)
