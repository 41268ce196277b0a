"""What the core tells those who watch: counted once per batch or fault, never per event."""

from typing import Protocol


class Observer(Protocol):
    def committed(self, records: int, tasks: int, seconds: float) -> None:
        """A batch is in the database."""

    def dropped(self, why: str) -> None:
        """A task was given up: fenced, gap, full, fault, refused or flood. It is claimed anew, but after a flood."""

    def buried(self, records: int) -> None:
        """So many records of a batch became dead letters."""

    def turned(self) -> None:
        """The keeper's loop has turned."""


class Nobody:
    """Watches nothing."""

    def committed(self, records: int, tasks: int, seconds: float) -> None: ...

    def dropped(self, why: str) -> None: ...

    def buried(self, records: int) -> None: ...

    def turned(self) -> None: ...
