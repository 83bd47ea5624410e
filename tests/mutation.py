"""Faults that `mutmut run` planted in the compiler -> the score, and each one that no test finds and nobody explained.

`mutation.toml` holds those that were looked at: a fault is told by its function and the line before and after, so
that the explanation stays with it while other lines come and go.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Fault:
    function: str
    line: str
    became: str

    def __str__(self) -> str:
        return f"{self.function}\n  - {self.line}\n  + {self.became}"


def mutmut(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def survivors() -> Iterator[Fault]:
    """All that was not found; an endless loop is found, by its time."""
    for line in mutmut("results").splitlines():
        name, _, status = line.strip().rpartition(": ")
        if status != "timeout":
            mangled = name.removeprefix("segmentator_dagster.compiler.").partition("__mutmut_")[0]
            _, _, diff = mutmut("show", name).partition("@@\n")
            yield Fault(re.sub(r"\.x[_ǁ]", ".", mangled).replace("ǁ", "."), lines(diff, "-"), lines(diff, "+"))


def lines(diff: str, sign: str) -> str:
    return " ".join(line[1:].strip() for line in diff.splitlines() if line.startswith(sign))


def explained() -> set[Fault]:
    known = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["explained"]
    return {Fault(one["function"], one["line"], became) for one in known for became in one["became"]}


def main() -> int:
    mutmut("export-cicd-stats")
    stats = json.loads(Path("mutants/mutmut-cicd-stats.json").read_text("utf-8"))
    total, found = stats["total"], stats["killed"] + stats["timeout"]
    left, known = set(survivors()), explained()
    for fault in sorted(left - known):
        print(f"not found, not explained: {fault}")
    for fault in sorted(known - left):
        print(f"explained, but found or gone: {fault}")
    print(
        f"{found} of {total} faults found ({found / total:.2%}), "
        f"{len(left & known)} explained, {len(left - known)} not explained"
    )
    return 1 if left != known else 0


if __name__ == "__main__":
    sys.exit(main())
