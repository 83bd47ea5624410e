"""Health as JSON."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.api.readiness import Readiness


class HealthOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: str = Field("ok", description="the process answers; nothing else is asked")


class CheckOut(BaseModel):
    status: str = Field(description="up, down")
    milliseconds: float
    code: str | None = Field(description="why it counts as down")


class ReadyOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "degraded",
                    "checks": {
                        "database": {"status": "up", "milliseconds": 0.8, "code": None},
                        "clickhouse": {"status": "up", "milliseconds": 2.1, "code": None},
                        "objects": {"status": "up", "milliseconds": 0.4, "code": None},
                        "dagster": {"status": "down", "milliseconds": 1.9, "code": "dagster_unavailable"},
                    },
                }
            ]
        }
    )

    status: str = Field(
        description="ok; degraded: requests are served, exports may wait; unavailable: requests cannot be served"
    )
    checks: dict[str, CheckOut]

    @classmethod
    def of(cls, readiness: Readiness) -> Self:
        status = "unavailable" if not readiness.ready else "degraded" if readiness.degraded else "ok"
        checks = {
            name: CheckOut(status="up" if check.up else "down", milliseconds=check.milliseconds, code=check.code)
            for name, check in readiness.checks.items()
        }
        return cls(status=status, checks=checks)
