"""An OpenAPI document and a running API -> what schemathesis finds where the two disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema


@dataclass
class Findings:
    """`calls` counts answers by (operation, status); `problems` has a text with a curl line for each disagreement."""

    calls: Counter[tuple[str, int]] = field(default_factory=Counter)
    problems: dict[tuple[str, ...], str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n\n".join(self.problems.values())


def fuzzed(
    url: str,
    document: dict[str, Any],
    *,
    session: Callable[[], str] | None,
    seed: int,
    examples: int,
    coverage: bool,
) -> Findings:
    """So many generated requests of every operation, half of them wrong, after the examples of the document.

    `session` gives the cookie for each request; without it nobody is signed in.
    """
    schema = schemathesis.openapi.from_dict(document, config=_config(url, seed, examples, coverage=coverage))
    if session is not None:

        @schema.auth(refresh_interval=None)
        class _SignedIn:
            def get(self, case: Any, context: Any) -> str:
                return session()

            def set(self, case: Any, data: str, context: Any) -> None:
                case.cookies["sid"] = data
                case.headers["Sec-Fetch-Site"] = "same-origin"

    findings = Findings()
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished():
                _collect(event, findings)
            case events.NonFatalError():
                findings.problems[str(event.info.title), event.label] = f"{event.label}: {event.info}"
            case events.FatalError():
                raise event.exception
    return findings


def _config(url: str, seed: int, examples: int, *, coverage: bool) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "base-url": url,
            "request-timeout": 30,
            "max-stream-events": 1,  # what is watched may never end
            "max-redirects": 0,
            "continue-on-failure": True,
            "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
            "phases": {"coverage": {"enabled": coverage, "generate-duplicate-query-parameters": True}},
            "checks": {"positive_data_acceptance": {"enabled": False}},
            "output": {"sanitization": {"enabled": False}},
        }
    )


def _collect(event: events.ScenarioFinished, findings: Findings) -> None:
    recorder = event.recorder
    for case_id, interaction in recorder.interactions.items():
        node = recorder.cases.get(case_id)
        label = node.value.operation.label if node else recorder.label
        findings.calls[label, interaction.response.status_code if interaction.response else 0] += 1
    for checks in recorder.checks.values():
        for check in checks:
            if check.status is Status.FAILURE and check.failure_info is not None:
                failure = check.failure_info.failure
                key = (check.name, str(failure.operation), failure.title, failure.message[:80])
                findings.problems.setdefault(
                    key,
                    f"[{event.phase.value}] {check.name}: {failure.operation}: {failure}\n{check.failure_info.code_sample}",
                )
