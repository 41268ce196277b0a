"""A service that starts while the broker and the database are away lives, says so, and comes up when they do."""

import signal

import httpx

from deploy.local.processes import send as signalled
from deploy.local.processes import spawn
from deploy.local.stack import Stack


def test_a_service_waits_for_what_it_stands_on(stack: Stack) -> None:
    book = stack.read()
    for name in ("quota-1", "kafka", "postgres"):
        process = book.process(name)
        assert process is not None
        signalled(process, signal.SIGKILL)
    spec = stack.service(book, "quota-1")
    alone = spawn(spec)
    book.processes["quota-1"] = (*alone, spec.fingerprint())
    stack.write(book)
    url = f"http://127.0.0.1:{spec.port}"
    while not listens(url):
        assert alone.alive
    live, ready, state = (httpx.get(url + path, timeout=20) for path in ("/live", "/ready", "/state"))

    assert (live.status_code, ready.status_code, state.status_code) == (200, 503, 503)
    assert ready.json()["why"].startswith("the database ")
    assert state.json()["error"].startswith("the database does not answer")

    stack.up(say=lambda _line: None)

    assert stack.read().process("quota-1") == alone
    assert httpx.get(f"{url}/ready").status_code == 200


def listens(url: str) -> bool:
    try:
        httpx.get(f"{url}/live", timeout=5)
    except httpx.ConnectError:
        return False
    return True
