"""An explanation as it is laid out: sections of lines, each with where its numbers come from."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import NamedTuple

from services.cli.explained.words import Language

WIDTH, HARD = 110, "\u00a0"
"""Of the sources; each stays whole."""


class Line(NamedTuple):
    """One statement. `depth`: 0, 1, 2; `sources`: where its numbers come from."""

    text: str
    depth: int = 0
    sources: Sequence[str | None] = ()


class Section(NamedTuple):
    title: str
    lines: Sequence[Line]


def laid_out(sections: Sequence[Section], language: Language) -> Iterator[tuple[bool, str]]:
    """Each line, and whether it is a title. Sources are numbered and listed at the end, each once."""
    known: dict[str, int] = {}
    for section in sections:
        yield True, section.title
        for line in section.lines:
            marks = "".join(f" [{known.setdefault(s, len(known) + 1)}]" for s in line.sources if s)
            yield False, f"{'  ' * (line.depth + 1)}{line.text}{marks}"
    if known:
        yield True, language.say("Kilder", "Sources")
        told = "  ".join(f"[{number}] {language.source(source)}".replace(" ", HARD) for source, number in known.items())
        for text in wrap(told, WIDTH, break_long_words=False, break_on_hyphens=False):
            yield False, f"  {text.replace(HARD, ' ')}"


def as_text(sections: Sequence[Section], language: Language) -> str:
    return "".join(f"{text}\n" for _, text in laid_out(sections, language))
