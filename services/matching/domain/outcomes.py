"""The outcomes of a decision in words."""

from collections.abc import Mapping

OUTCOMES: Mapping[str, tuple[str, str]] = {
    "accepted": ("accepteret", "accepted"),
    "accepted_with_conditions": ("accepteret med vilkår", "accepted with conditions"),
    "rejected": ("afvist", "rejected"),
    "referred": ("henvist til manuel afgørelse", "referred to two people"),
    "withdrawn": ("trukket tilbage", "withdrawn"),
}
"""Danish and English."""
