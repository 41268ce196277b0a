"""The one place of matching that knows concrete classes."""

from services.matching.domain import MatchingDomain
from services.matching.signals import OfferSignals
from shared.runtime.app import serve_keyed


def main() -> None:
    """Matching = offers × vacancies × colours × agreement → decisions with reasons."""
    serve_keyed("matching", MatchingDomain(), OfferSignals)
