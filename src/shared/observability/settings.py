"""Settings of metrics and traces."""

from typing import Annotated

from msgspec import Meta

from shared.settings import Secret, SettingsStruct


class ObservabilitySettings(SettingsStruct, frozen=True, kw_only=True):
    """Metrics and traces."""

    metrics_token: Annotated[
        Secret | None,
        Meta(
            description="Token for /metrics, sent as `Authorization: Bearer ...` (try: openssl rand -hex 32). "
            "Empty: metrics are off."
        ),
    ] = None
    metrics_host: Annotated[str, Meta(description="Address on which a worker serves its own /metrics.")] = "127.0.0.1"
    metrics_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="Port on which a worker serves its own /metrics; each worker on a machine needs its own port. "
            "0: off. The API serves its /metrics at its own address.",
        ),
    ] = 0
    otlp_endpoint: Annotated[
        str,
        Meta(
            pattern="^(https?://.+)?$",
            description="Collector that receives traces by OTLP over HTTP, such as http://127.0.0.1:4318; set its "
            "headers in OTEL_EXPORTER_OTLP_HEADERS. Empty: no traces.",
            extra={"expected": "an address such as http://127.0.0.1:4318"},
        ),
    ] = ""
    trace_share: Annotated[
        float, Meta(ge=0, le=1, description="Share of the traces started here that are kept, 0 to 1; 1: all.")
    ] = 1.0
