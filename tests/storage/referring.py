"""Segments that refer to each other and to lists, in few words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.storage.metadata.references import Kind, References

EVERYONE = {"kind": "everyone"}


def rule_of(*segment_ids: int, lists: tuple[int, ...] = ()) -> dict[str, Any]:
    rules = [{"kind": "segment", "segment_id": id_} for id_ in segment_ids]
    rules += [{"kind": "list", "list_id": id_} for id_ in lists]
    return {"kind": "group", "combinator": "and", "rules": rules or [EVERYONE]}


def used_by(references: References, kind: Kind, id_: int) -> list[int]:
    return [dependent.id for dependent in references.dependents(kind, [id_]).get(id_, ())]


def refusal(action: Callable[[], object]) -> UserError:
    with pytest.raises(UserError) as error:
        action()
    return error.value
