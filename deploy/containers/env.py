"""`python3 -m deploy.containers.env`: .env of .env.example, with a password drawn by lot for each that is empty.

The standard library alone: who runs containers has installed nothing yet. What is there already stays as it is.
"""

import re
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def drawn(example: str) -> str:
    """Each name ending in PASSWORD that has no value gets one of its own; token_urlsafe fits into an address."""
    return re.sub(r"^(\w+_PASSWORD=)$", lambda found: found[1] + secrets.token_urlsafe(24), example, flags=re.MULTILINE)


def main() -> None:
    file = ROOT / ".env"
    if file.exists():
        sys.exit(f"{file} is there already and stays as it is")
    file.touch(mode=0o600)
    file.write_text(drawn((ROOT / ".env.example").read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
