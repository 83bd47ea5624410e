"""The names of the tests in this folder -> each of the forty requirements has one."""

from __future__ import annotations

import re
from pathlib import Path

NUMBERED = re.compile(r"^def test_(\d\d)_\w+\(", re.MULTILINE)


def test_every_requirement_from_1_to_40_has_a_test_of_its_number() -> None:
    files = Path(__file__).parent.glob("test_*.py")
    numbers = {int(number) for file in files for number in NUMBERED.findall(file.read_text("utf-8"))}
    assert numbers == set(range(1, 41))
