"""Files that are made from the code and committed: written, or compared byte for byte."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def text_of(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def differing(folder: Path, wanted: Mapping[str, str], pattern: str) -> list[str]:
    """Names of files that are missing, differ, or should not be there."""
    there = {f.name: f.read_text(encoding="utf-8") for f in folder.glob(pattern)} if folder.is_dir() else {}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def write(folder: Path, wanted: Mapping[str, str], pattern: str) -> list[str]:
    """Make the folder so, and tell what changed."""
    changed = differing(folder, wanted, pattern)
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


def command(folder: Path, wanted: Mapping[str, str], pattern: str) -> int:
    """`--check` compares and ends with 1 where something differs."""
    parser = argparse.ArgumentParser(description="Write what is made from the code, or compare it.")
    parser.add_argument("--check", action="store_true", help="compare only; exit code 1 where something differs")
    check = parser.parse_args().check
    names = differing(folder, wanted, pattern) if check else write(folder, wanted, pattern)
    for name in names:
        sys.stdout.write(f"{'differs' if check else 'written'}: {(folder / name).relative_to(ROOT)}\n")
    return 1 if check and names else 0
