"""The use cases of datasets: which there are and which fields they have."""

from __future__ import annotations

from collections.abc import Callable

from segmentator_dagster.domain.catalogue import Catalogue, Dataset
from segmentator_dagster.storage.catalogue import dataset_in


class DatasetService:
    def __init__(self, catalogue: Callable[[], Catalogue]) -> None:
        self._catalogue = catalogue

    def all(self) -> tuple[Dataset, ...]:
        """Every dataset whose table is on the server now, by name."""
        return tuple(self._catalogue().datasets.values())

    def get(self, name: str) -> Dataset:
        """UserError dataset_not_found."""
        return dataset_in(self._catalogue(), name)
