"""A door that swallows: what it holds is given late when it is plain again, and lost when it is cut."""

import socket
from collections.abc import Iterator

import pytest

from tests.chaos.wire import Wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


@pytest.mark.parametrize(("cut", "arrives"), [(False, b"before and held"), (True, b"before")])
def test_what_a_door_holds(wire: Wire, cut: bool, arrives: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        door = wire.door("kafka 1", server.getsockname()[1])
        client = socket.create_connection(("127.0.0.1", door.port), timeout=10)
        beyond, _ = server.accept()
        with client, beyond:
            beyond.settimeout(10)
            client.sendall(b"before")
            got = beyond.recv(100)
            wire.set(lambda _name: True, swallow=True)
            client.sendall(b" and held")
            wire.set(lambda _name: True, cut=cut)
            client.close()
            got += rest(beyond)

    assert got == arrives


def rest(beyond: socket.socket) -> bytes:
    """Until the connection ends, however it does."""
    got = b""
    try:
        while data := beyond.recv(100):
            got += data
    except ConnectionResetError:
        pass
    return got
