"""An OpenAPI document and a running API -> what schemathesis finds where the two disagree."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

# What has broken other APIs: texts a database does not store, paths in a path, numbers around the widths of integers.
_HOSTILE: dict[str, list[Any]] = {
    "texts": [
        *(
            "\0",
            "a\0b",
            "\u2028",
            "\ufffe",
            "\U000e0001",
            "../../etc/passwd",
            "%00",
            "%2F..%2F",
            "' OR 1=1 --",
            "{x:String}",
        ),
        *("é" * 300, "$1", "%s", "NaN", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1e400", "-0", "٣"),
    ],
    "integers": [0, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30],
}
_OFF = {"enabled": False}
_REFUSED = [400, 401, 403, 404, 405, 406, 409, 410, 415, 422, 428, 429]
# Rules, names, schedules, cursors are held against the data and against each other: no schema says all of it.
_CHECKS = {
    "positive_data_acceptance": _OFF,
    # 410 is not there by default: what is deleted says so whatever is asked of it.
    "negative_data_rejection": {"expected-statuses": _REFUSED},
}
_OPERATIONS = [
    {
        # What is deleted can be brought back, and its history stays to be read; so does an account without its name.
        "include-operation-id": [
            *("restore_segment", "restore_list", "list_versions", "list_exports", "list_snapshots"),
            *("get_person", "unblock_person"),
        ],
        "checks": {"use_after_free": _OFF},
    },
    {
        # Its path is also that of a segment called `import`: other methods find none, and OPTIONS names them too.
        "include-operation-id": "import_rule_file",
        "checks": {"unsupported_method": _OFF, "allow_header_conformance": _OFF},
    },
]


@dataclass
class Findings:
    """`calls` counts answers by (operation, status); `problems` has a text with a curl line for each disagreement."""

    calls: Counter[tuple[str, int]] = field(default_factory=Counter)
    problems: dict[tuple[str, ...], str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n\n".join(self.problems.values())

    def statuses(self) -> dict[int, int]:
        counted: Counter[int] = Counter()
        for (_, status), calls in self.calls.items():
            counted[status] += calls
        return dict(sorted(counted.items()))


def fuzzed(
    url: str,
    document: dict[str, Any],
    *,
    session: Callable[[], str] | None,
    known: dict[str, list[Any]],
    seed: int,
    examples: int,
    coverage: bool,
) -> Findings:
    """The examples of the document, then for every operation so many generated requests that keep to it and as many
    that do not, then chains of operations; with `coverage` also each way there is to break each parameter.

    `session` gives the cookie for each request; without it nobody is signed in. `known` has values of parameters of
    paths that lead to something.
    """
    schema = schemathesis.openapi.from_dict(
        document, config=_config(url, known, seed, examples, coverage=coverage, credentials=session is None)
    )
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
                findings.problems[event.info.title, event.label] = f"{event.label}: {event.info}"
            case events.FatalError():
                raise event.exception
    return findings


def with_rules(document: dict[str, Any], rules: list[Any]) -> dict[str, Any]:
    """The document where `rule`, of which it says nothing, is one of these: what stands beside it is reached."""
    copy: dict[str, Any] = json.loads(json.dumps(document))
    for name in ("RuleIn", "SegmentIn", "SegmentPatch"):
        copy["components"]["schemas"][name]["properties"]["rule"] = {"enum": rules}
    return copy


def _config(
    url: str, known: dict[str, list[Any]], seed: int, examples: int, *, coverage: bool, credentials: bool
) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "dictionaries": {name: {"values": values} for name, values in (_HOSTILE | known).items()},
            "parameters": {f"path.{name}": {"dictionary": name, "probability": 0.7} for name in known},
            "base-url": url,
            "request-timeout": 30,
            "max-stream-events": 1,  # what is watched may never end
            "max-redirects": 0,
            "continue-on-failure": True,
            "generation": {
                "max-examples": examples,
                "database": "none",
                "no-shrink": True,
                "dictionaries": {
                    "string": {"dictionary": "texts", "probability": 0.1},
                    "integer": {"dictionary": "integers", "probability": 0.1},
                },
                "with-security-parameters": credentials,  # made up, they would take the place of real ones
            },
            "phases": {"coverage": {"enabled": coverage, "generate-duplicate-query-parameters": True}},
            "checks": _CHECKS,
            "operations": _OPERATIONS,
            "output": {"sanitization": _OFF},
        }
    )


def _collect(event: events.ScenarioFinished, findings: Findings) -> None:
    recorder = event.recorder
    for case_id, interaction in recorder.interactions.items():
        status = interaction.response.status_code if interaction.response else 0
        findings.calls[recorder.cases[case_id].value.operation.label, status] += 1
    for check in (check for checks in recorder.checks.values() for check in checks):
        if check.status is Status.FAILURE and check.failure_info is not None:
            failure = check.failure_info.failure
            key = (check.name, str(failure.operation), failure.title, failure.message[:80])
            text = (
                f"{event.phase.value}: {check.name}: {failure.operation}: {failure}\n{check.failure_info.code_sample}"
            )
            findings.problems.setdefault(key, text)
