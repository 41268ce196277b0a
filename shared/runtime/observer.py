"""What the core and the relay tell those who watch: once per batch or fault, never per event."""

from collections.abc import Sequence
from typing import Protocol

from shared.runtime.contract import Draft, Record


class Observer(Protocol):
    def committed(self, drafts: Sequence[Draft], seconds: float) -> None:
        """These drafts are in the database, by one statement that took so long. They are not adopted yet: a draft's
        task is still as it was before.
        """

    def handled(self, records: Sequence[Record], seconds: float) -> None:
        """The effects of these records were committed, so long after they were in hand."""

    def dropped(self, why: str) -> None:
        """A task was given up: fenced, gap, full, fault, refused, emptied or flood. It is claimed anew, but after a
        flood; of one that is emptied the claim finds out why.
        """

    def assigned(self) -> None:
        """The group has spoken."""

    def turned(self) -> None:
        """The keeper's loop has turned, or a portion of a batch, for which it waits, is done."""

    def published(self, topic: str, records: int) -> None:
        """So many records of an outbox row were acknowledged."""

    def restarted(self) -> None:
        """The relay begins anew with a fresh producer."""


class Nobody:
    """Watches nothing."""

    def committed(self, drafts: Sequence[Draft], seconds: float) -> None: ...

    def handled(self, records: Sequence[Record], seconds: float) -> None: ...

    def dropped(self, why: str) -> None: ...

    def assigned(self) -> None: ...

    def turned(self) -> None: ...

    def published(self, topic: str, records: int) -> None: ...

    def restarted(self) -> None: ...
