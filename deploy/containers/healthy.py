"""`python3 -I -S healthy.py PATH`: whether the process in this container says of itself that it is well, and why not.

Exit code 0 when it does. The standard library alone, and no more of it than needed: it is started every few seconds.
"""

import json
import os
import sys
from http.client import HTTPConnection

LIMIT = 4.0


def asked(port: int, path: str) -> tuple[bool, str]:
    """Whether it is well, and in words."""
    connection = HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        told = json.load(answer)
    except (OSError, ValueError) as error:
        return False, f"{path} does not answer: {error or type(error).__name__}"
    finally:
        connection.close()
    return answer.status == 200, f"{path}: {told.get('why') or 'well'}"


def main() -> None:
    well, why = asked(int(os.environ.get("TRAPPETRIN_HTTP_PORT", "8000")), sys.argv[1])
    print(why)  # noqa: T201 - what `docker inspect` shows of it
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
