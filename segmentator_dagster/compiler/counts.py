"""Many placed rules -> one query that counts the audience of each, reading every dataset once."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from segmentator_dagster.compiler.expressions import ZERO, Infix, Predicate, combined, complement, constant, fn, number
from segmentator_dagster.compiler.facts import WORD, words
from segmentator_dagster.compiler.lowering import Lowering
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.domain.catalogue import Catalogue
from segmentator_dagster.domain.rule import Combinator, Group, Rule


def compile_counts(
    rules: Sequence[Rule], catalogue: Catalogue, base_dataset: str, lists_database: str
) -> CompiledQuery:
    """A query of one row: how many users the base dataset has, then how many each rule names."""
    atoms = list(dict.fromkeys(node for rule in rules for node in _atoms(rule)))
    per_user = Lowering(catalogue, base_dataset, lists_database).per_user(atoms)
    answers = sa.select(*(word.label(f"w{index}") for index, word in enumerate(words(per_user.holds)))).select_from(
        per_user.source
    )
    source = answers.subquery("answers")
    bits = {atom: index for index, atom in enumerate(atoms)}
    counts = [fn.countIf(_holds(rule, bits)).label(f"c{index}") for index, rule in enumerate(rules)]
    return compile_statement(sa.select(fn.count().label("everyone"), *counts).select_from(source))


def _atoms(rule: Rule) -> list[Rule]:
    """The nodes that groups are made of."""
    if isinstance(rule, Group):
        return [atom for child in rule.rules for atom in _atoms(child)]
    return [rule]


def _holds(rule: Rule, bits: dict[Rule, int]) -> Predicate:
    """A rule over the bits of its atoms. The atoms of one group are one comparison with a mask, however many."""
    if not isinstance(rule, Group):
        return _masked(Combinator.AND, [bits[rule]])
    atoms = [bits[child] for child in rule.rules if not isinstance(child, Group)]
    groups = [_holds(child, bits) for child in rule.rules if isinstance(child, Group)]
    predicate = combined(rule.combinator, [_masked(rule.combinator, atoms), *groups])
    return complement(predicate) if rule.negated else predicate


def _masked(combinator: Combinator, atoms: Sequence[int]) -> Predicate:
    masks: dict[int, int] = {}
    for atom in atoms:
        word, bit = divmod(atom, WORD)
        masks[word] = masks.get(word, 0) | 1 << bit
    tests = []
    for word, mask in masks.items():
        kept = fn.bitAnd(constant(f"w{word}"), number(mask))
        tests.append(Infix(kept, "=", number(mask)) if combinator is Combinator.AND else Infix(kept, "!=", ZERO))
    return combined(combinator, tests)
