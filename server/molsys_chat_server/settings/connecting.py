"""How many connections there are, and how long each may take."""

from pydantic import BaseModel, Field


class ConnectingSettings(BaseModel):
    """How many connections there are, and how long each may take."""

    max_connections: int = Field(
        4000,
        ge=10,
        le=1000000,
        description=(
            "Connections at once, idle ones included; requests on more are refused with 503. "
            "Fewer where the process may open fewer files."
        ),
    )
    head_timeout_s: float = Field(
        15.0, gt=0, le=600, description="Seconds in which a request's head arrives."
    )
    keep_alive_s: int = Field(
        30, ge=1, le=3600, description="Seconds that an idle connection is kept open."
    )
    reading_timeout_s: float = Field(
        60.0,
        gt=0,
        le=3600,
        description=(
            "Seconds after which a client is let go that takes nothing of what waits for it."
        ),
    )
