"""The one place of the classifier that knows concrete classes."""

from services.classifier.domain import Classifier
from shared.runtime.app import serve_keyed


def main() -> None:
    """classifier = observations × lists × agreement → the colour timeline of each afdeling, the designations of areas."""
    serve_keyed("classifier", Classifier())
