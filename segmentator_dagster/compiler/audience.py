"""Rule -> SELECT of the user ids that make its audience, each once."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from segmentator_dagster.compiler.expressions import fn
from segmentator_dagster.compiler.lowering import Lowering
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.domain.catalogue import Catalogue
from segmentator_dagster.domain.checking import check_rule
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.placing import placed
from segmentator_dagster.domain.references import Library, expanded
from segmentator_dagster.domain.rule import Rule

LISTS_DATABASE = "segmentator"


def compile_audience(
    rule: Rule,
    catalogue: Catalogue,
    base_dataset: str,
    time_zone: str,
    moment: datetime,
    *,
    library: Library = Library(),  # noqa: B008  frozen
    lists_database: str = LISTS_DATABASE,
) -> sa.Select[tuple[str]]:
    """A statement with one column `user_id` (String): every user of the base dataset whom the rule names, once.

    Pure. `moment` is when relative dates are read, `library` holds the segments and lists the rule refers to. Raises
    UserError with all problems of a rule that does not fit the catalogue.
    """
    if problems := check_rule(rule, catalogue, base_dataset, time_zone, library=library):
        raise UserError(*problems)
    asked = asked_of_data(rule, catalogue, base_dataset, time_zone, moment, library=library)
    return audience_of_placed(asked, catalogue, base_dataset, lists_database)


def asked_of_data(
    rule: Rule,
    catalogue: Catalogue,
    base_dataset: str,
    time_zone: str,
    moment: datetime,
    *,
    library: Library = Library(),  # noqa: B008  frozen
) -> Rule:
    """What a checked rule asks at a moment: references resolved, dates absolute. Equal questions are equal rules."""
    return placed(expanded(rule, base_dataset, library), catalogue, time_zone, moment)


def audience_of_placed(
    asked: Rule, catalogue: Catalogue, base_dataset: str, lists_database: str = LISTS_DATABASE
) -> sa.Select[tuple[str]]:
    """The same of what `asked_of_data` gave."""
    return Lowering(catalogue, base_dataset, lists_database).audience(asked)


def count_of_placed(
    asked: Rule, catalogue: Catalogue, base_dataset: str, lists_database: str = LISTS_DATABASE
) -> CompiledQuery:
    """A query with one number: how many users `audience_of_placed` gives."""
    users = audience_of_placed(asked, catalogue, base_dataset, lists_database).subquery("audience")
    return compile_statement(sa.select(fn.count().label("users")).select_from(users))
