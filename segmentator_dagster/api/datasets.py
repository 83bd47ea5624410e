"""The use cases of datasets: which there are and which fields they have."""

from __future__ import annotations

from collections.abc import Callable

from segmentator_dagster.domain.access import Action, Actor, require
from segmentator_dagster.domain.catalogue import Catalogue, Dataset
from segmentator_dagster.domain.data_access import narrowed
from segmentator_dagster.storage.catalogue import dataset_in


class DatasetService:
    def __init__(self, catalogue: Callable[[], Catalogue]) -> None:
        self._catalogue = catalogue

    def all(self, actor: Actor) -> tuple[Dataset, ...]:
        """Every dataset that is there for somebody and whose table is on the server now, by name."""
        return tuple(self._seen(actor).datasets.values())

    def get(self, actor: Actor, name: str) -> Dataset:
        """UserError dataset_not_found."""
        return dataset_in(self._seen(actor), name)

    def _seen(self, actor: Actor) -> Catalogue:
        require(actor, Action.DATA_READ)
        return narrowed(self._catalogue(), actor.access)
