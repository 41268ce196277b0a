"""The state that is shown: every entity's part by its domain, merged. The same for a service and for files offline."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from shared.runtime.contract import EVERYONE, Entity, TaskId
from shared.runtime.keyed import Domain

State = dict[str, Any]


class Whole(Protocol):
    """A store that can tell all it holds."""

    def everything(self) -> AsyncIterator[tuple[TaskId, str, Entity]]:
        """Every entity of every task, EVERYONE first in each."""


async def view(domain: Domain[Any], store: Whole) -> State:
    """The service's part of the state, each entity by its own task's parameters."""
    state: State = {}
    parameters: Any = None
    async for _, name, entity in store.everything():
        if name == EVERYONE:
            parameters = domain.parameters(entity.facts)
        merge(state, domain.view(name, entity.facts, entity.conclusions, parameters))
    return state


def merge(into: State, part: Mapping[str, Any]) -> State:
    """Fold a part into the whole: objects are merged, everything else is set."""
    for name, value in part.items():
        if isinstance(value, Mapping):
            merge(into.setdefault(name, {}), value)
        else:
            into[name] = value
    return into
