"""What the data say to a question about an audience, as it is remembered: JSON and nothing else."""

from __future__ import annotations

from typing import Any

from segmentator_dagster.storage.cache import Remembered


class Count(Remembered):
    count: int


class Preview(Remembered):
    """Rows of members, a value for each column."""

    rows: tuple[tuple[Any, ...], ...]


class Breakdown(Remembered):
    """`values` are value, members, users; `members` and `users` are all there are, `distinct` the number of values."""

    values: tuple[tuple[Any, int, int], ...]
    members: int
    users: int
    distinct: int


class Funnel(Remembered):
    """`steps` are how many are left and how many satisfy the step alone, out of `total`."""

    total: int
    steps: tuple[tuple[int, int], ...]


class Values(Remembered):
    """`values` are value and number of rows."""

    values: tuple[tuple[Any, int], ...]
