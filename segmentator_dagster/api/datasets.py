"""The use cases of datasets: which there are and which fields they have."""

from __future__ import annotations

from collections.abc import Callable

from segmentator_dagster.domain.catalogue import Catalogue, Dataset
from segmentator_dagster.domain.errors import Category, ProblemKind
from segmentator_dagster.domain.problems import shown, suggestion

DATASET_NOT_FOUND = ProblemKind(
    "dataset_not_found",
    Category.NOT_FOUND,
    en="There is no dataset `{name}`.",
    ru="Набора данных `{name}` нет.",
    hint_en="{suggestion_en}",
    hint_ru="{suggestion_ru}",
)


class DatasetService:
    def __init__(self, catalogue: Callable[[], Catalogue]) -> None:
        self._catalogue = catalogue

    def all(self) -> tuple[Dataset, ...]:
        """Every dataset whose table is on the server now, by name."""
        return tuple(self._catalogue().datasets.values())

    def get(self, name: str) -> Dataset:
        catalogue = self._catalogue()
        dataset = catalogue.dataset(name)
        if dataset is None:
            raise DATASET_NOT_FOUND.error(name=shown(name), **suggestion(name, catalogue.datasets))
        return dataset
