"""Settings of metrics and traces."""

from typing import Annotated

from msgspec import Meta

from shared.settings import Secret, SettingsStruct


class ObservabilitySettings(SettingsStruct, frozen=True, kw_only=True):
    """Metrics and traces."""

    metrics_token: Annotated[
        Secret | None,
        Meta(
            description="Opens /metrics, as `Authorization: Bearer ...` (try: openssl rand -hex 32). "
            "Empty: there are no metrics to be had."
        ),
    ] = None
    metrics_host: Annotated[str, Meta(description="Address that a worker serves its own /metrics on.")] = "127.0.0.1"
    metrics_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="Port that a worker serves its own /metrics on; several workers of one machine need one each. "
            "0: it serves none. The API serves its own at its address.",
        ),
    ] = 0
    otlp_endpoint: Annotated[
        str,
        Meta(
            pattern="^(https?://.+)?$",
            description="Collector that traces are sent to by OTLP over HTTP, such as http://127.0.0.1:4318; headers "
            "that it needs go in OTEL_EXPORTER_OTLP_HEADERS. Empty: no traces.",
            extra={"expected": "an address such as http://127.0.0.1:4318"},
        ),
    ] = ""
    trace_share: Annotated[
        float, Meta(ge=0, le=1, description="Share of the traces begun here that are kept; 1: all.")
    ] = 1.0
