"""What an organisation tells of its own: registrations of afdelinger and vacancies."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from shared.events.inbound.base import Door, OfAfdeling, Retracted
from shared.events.values import (
    Day,
    Dwelling,
    Exact,
    Id,
    MunicipalityCode,
    OrganisationId,
    Revision,
    Strict,
    Text,
    Texts,
    VacancyReason,
    bounded,
    broken,
)


class Letting(Strict):
    """Terms of flexible letting in force (§ 60)."""

    criteria: Texts


class RegistrationKey(OfAfdeling):
    kind: ClassVar[str] = "afdeling.registered"
    sequence: ClassVar[str] = "registration"
    door: ClassVar[Door] = "organisation"
    valid_from: Day

    def key(self) -> str:
        return f"{self.afdeling_id}/{self.valid_from}"


class AfdelingRegistered(RegistrationKey):
    organisation_id: OrganisationId
    name: Text
    municipality: MunicipalityCode
    family_homes: Annotated[int, Field(ge=0, le=100_000)]
    area_id: Id | None
    flexible_letting: Letting | None

    @model_validator(mode="after")
    def of_the_organisation(self) -> Self:
        if not self.afdeling_id.startswith(self.organisation_id):
            raise broken("must begin with organisation_id", "afdeling_id", self.afdeling_id)
        return self


class RegistrationRetracted(Retracted, RegistrationKey):
    pass


class VacancyKey(OfAfdeling):
    sequence: ClassVar[str] = "vacancy"
    door: ClassVar[Door] = "organisation"
    vacancy_id: Id

    def key(self) -> str:
        return f"{self.afdeling_id[:4]}/{self.vacancy_id}"


class VacancyReported(VacancyKey):
    """A home that becomes free; area in m², rent in kr. a month without heating."""

    kind: ClassVar[str] = "vacancy.reported"
    dwelling: Dwelling
    reason: VacancyReason
    rooms: Annotated[int, Field(ge=1, le=20)]
    area_m2: Annotated[Exact, bounded(5, 500)]
    rent_monthly: Annotated[Exact, bounded(0, 50_000)] | None
    vacant_from: Day


class VacancyCancelled(VacancyKey):
    kind: ClassVar[str] = "vacancy.cancelled"
    revision: Revision = Field()
