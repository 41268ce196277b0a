"""The one place of the classifier that knows concrete classes."""

from services.classifier.domain import Classifier
from services.classifier.signals import ColourSignals
from shared.runtime.app import serve_keyed


def main() -> None:
    """Classifier = observations × lists × placements × agreement → colour timelines, designations of areas."""
    serve_keyed("classifier", Classifier(), ColourSignals)
