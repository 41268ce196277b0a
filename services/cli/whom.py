"""Options that name an afdeling or an organisation, checked by the contract's own types."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from shared.events.values import AfdelingId, OrganisationId


def checked(kind: Any, rule: str) -> Callable[[str | None], str | None]:
    """None where nothing is named."""
    adapter = TypeAdapter[str](kind)

    def check(value: str | None) -> str | None:
        try:
            return None if value is None else adapter.validate_python(value)
        except ValidationError as error:
            raise typer.BadParameter(f"{rule}; it is {value}") from error

    return check


AN_AFDELING = checked(AfdelingId, "must be the organisation's four digits, a hyphen and three digits")
AN_ORGANISATION = checked(OrganisationId, "must be the organisation's four digits")
Organisation = Annotated[
    str | None, typer.Option(help="Only of this organisation, by its four digits.", callback=AN_ORGANISATION)
]
