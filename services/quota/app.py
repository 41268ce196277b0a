"""The one place of quota that knows concrete classes."""

from services.quota.domain import QuotaDomain
from services.quota.signals import QuotaSignals
from shared.runtime.app import serve_keyed


def main() -> None:
    """Quota = vacancies × colours × decisions × agreement → the 25 % of each afdeling."""
    serve_keyed("quota", QuotaDomain(), QuotaSignals)
