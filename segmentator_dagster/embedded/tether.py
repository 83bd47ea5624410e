"""Module and arguments -> the module run as a program that ends when the process that keeps it does.

`python -m segmentator_dagster.embedded.tether MODULE [ARGUMENT…]`
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence

from segmentator_dagster.workers import lifeline


def main(arguments: Sequence[str]) -> None:
    if not arguments:
        raise SystemExit("usage: python -m segmentator_dagster.embedded.tether MODULE [ARGUMENT…]")
    end = lifeline.take()
    if end is None:
        raise SystemExit(f"nobody keeps this process: {lifeline.VARIABLE} is not set")
    lifeline.end_with_keeper(end)
    sys.argv[:] = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
