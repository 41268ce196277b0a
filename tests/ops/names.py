"""The names of all metrics that the services export, from where they are defined."""

from prometheus_client import CollectorRegistry

from shared.metrics import ColourMetrics, IngestMetrics, Metrics, OfferMetrics, QuotaMetrics

SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}


def exported() -> set[str]:
    """As Prometheus has them: counters with `_total`, histograms by their parts."""
    registry: CollectorRegistry = Metrics().registry
    for part in (IngestMetrics, ColourMetrics, QuotaMetrics, OfferMetrics):
        part(registry)
    return {m.name + suffix for m in registry.collect() for suffix in SUFFIXES[m.type]}
