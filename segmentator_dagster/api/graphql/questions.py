"""The data and questions to them in GraphQL: datasets, the rule language, counts, previews, breakdowns."""

from __future__ import annotations

from functools import partial

import strawberry
from pydantic import Field

from segmentator_dagster.api.graphql.asking import Info
from segmentator_dagster.api.graphql.fields import field
from segmentator_dagster.api.schemas.analysis import (
    BreakdownIn,
    BreakdownOut,
    CountOut,
    FunnelOut,
    PreviewIn,
    PreviewOut,
    ValuesIn,
    ValuesOut,
)
from segmentator_dagster.api.schemas.datasets import DatasetOut, FieldOut
from segmentator_dagster.api.schemas.operators import OperatorsOut
from segmentator_dagster.api.schemas.rules import MeaningOut, RuleIn
from segmentator_dagster.domain.catalogue import Dataset
from segmentator_dagster.domain.rule_schema import rule_schema
