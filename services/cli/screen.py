"""Where the console prints for people: as wide as the terminal, and wide enough for a table where there is none."""

from rich.console import Console

WIDTH = 120


def screen(*, stderr: bool = False) -> Console:
    """Long lines are the terminal's to wrap, so that they can be copied whole.

    Texts are printed as they are, since most of them are a sender's; colours of our own are put on as `Text`.
    """
    made = Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = WIDTH
    return made
