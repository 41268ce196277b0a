"""`python -m deploy.grafana [--check]`: write the dashboards' JSON files, or say which of them differ."""

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana import agreement, ground, services
from deploy.grafana.panels import built

FOLDER = Path(__file__).parent / "dashboards"
BOARDS = (services.BOARD, ground.BOARD, agreement.BOARD)


def written() -> dict[Path, str]:
    return {
        FOLDER / f"{board.uid}.json": JSONEncoder(sort_keys=True, indent=1).encode(built(board)) + "\n"
        for board in BOARDS
    }


def main() -> None:
    files = written()
    if "--check" not in sys.argv[1:]:
        for file, text in files.items():
            file.write_text(text, encoding="utf-8")
        return
    stale = [str(f) for f, text in files.items() if not f.exists() or f.read_text(encoding="utf-8") != text]
    stale += [str(f) for f in FOLDER.glob("*.json") if f not in files]
    if stale:
        sys.exit(f"not as the code has them, run `make docs`: {', '.join(stale)}")


if __name__ == "__main__":
    main()
