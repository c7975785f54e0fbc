"""What the service shows of itself."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator


class ObservingSettings(BaseModel):
    """What the service shows of itself."""

    log_format: Literal["text", "json"] = Field(
        "text", description="The log's lines: `text` for people, `json` one object a line."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="From which level on lines are written; `info` has one line a request.",
    )
    traces_endpoint: str = Field(
        "",
        description=(
            "Address of an OpenTelemetry collector that takes OTLP over HTTP, such as "
            "`http://127.0.0.1:4318`; no traces without it. It needs the extra `otel`."
        ),
    )

    @field_validator("traces_endpoint")
    @classmethod
    def _check_endpoint(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.netloc):
            raise ValueError("give the collector's address, such as http://127.0.0.1:4318")
        return value
