"""Every setting of a service process, read from the environment (prefix `TRAPPETRIN_`)."""

import sys
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.runtime.overflow import RUN, SHARE, WINDOW

PREFIX = "TRAPPETRIN_"


class Settings(BaseSettings):
    """Times in seconds. Unknown variables with the prefix are ignored, so that one environment serves all services.

    The database's address holds a password: neither an error nor a representation shows it.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True)

    kafka: Annotated[list[str], NoDecode] = Field(description="bootstrap servers, host:port, separated by commas")
    database: str = Field(repr=False, description="PostgreSQL address, postgresql://user@host:port/name")
    instance: str = Field(default="local-1", description="name of this process, unique among those that live")
    http_host: str = Field(default="127.0.0.1", description="where /live, /ready, /metrics and all else is served")
    http_port: int = Field(default=8000, ge=0, le=65535, description="the port of these")
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="what is logged; a batch each at DEBUG"
    )
    batch_records: int = Field(default=500, ge=1, le=10_000, description="records a batch at the most")
    batch_wait: float = Field(default=0.01, gt=0, le=5, description="how long a batch waits for more records")
    session_timeout: float = Field(default=6.0, ge=0.5, le=300, description="silent for so long, a process is given up")
    heartbeat: float = Field(default=0.5, gt=0, le=60, description="how often the group hears that we live")
    metadata_age: float = Field(default=2.0, gt=0, le=600, description="how soon a new organisation's topic is seen")
    overflow_run: int = Field(default=RUN, ge=1, description="dead letters in a row that stop their source")
    overflow_share: float = Field(default=SHARE, gt=0, le=1, description="a greater share of dead letters stops it too")
    overflow_window: int = Field(default=WINDOW, ge=1, description="among so many records of the source, the last ones")
    close_days: Literal["clock", "by_hand"] = Field(
        default="clock",
        description="whether ingest closes each day by its own clock, or waits for `trappetrin day close`",
    )
    look_every: float = Field(default=5.0, gt=0, le=60, description="how often lag, outbox and tables are looked at")
    signals_every: float = Field(
        default=15.0, gt=0, le=3600, description="how often the agreement's signals are read, at the most"
    )
    signals_share: float = Field(
        default=0.01, gt=0, le=1, description="part of the time that reading them may take; else they are read seldomer"
    )
    release_every: float = Field(default=0.5, gt=0, le=60, description="how often ingest looks for what to release")

    traces: bool = Field(
        default=False, description="whether traces are made and sent by OTLP over HTTP; where to is told by `OTEL_…`"
    )

    @field_validator("kafka", mode="before")
    @classmethod
    def split(cls, value: object) -> object:
        return [s.strip() for s in value.split(",") if s.strip()] if isinstance(value, str) else value


def from_environment() -> Settings:
    """Ends the process with the variables that are wrong, and their rules; values are not shown."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = error.errors(include_input=False)
        sys.exit("\n".join(f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in wrong))
