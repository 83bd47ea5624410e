"""The words of English."""

from __future__ import annotations

from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import FieldType
from segmentator_dagster.domain.plurals import Noun
from segmentator_dagster.domain.rule import Combinator, Order, Unit
from segmentator_dagster.domain.wording import (
    AggregateWords,
    AudienceWords,
    ListWords,
    OrderWords,
    RowWords,
    SpanWords,
    UnitWords,
)

_ROWS = RowWords(
    language="en",
    quotes=("“", "”"),
    inner_quotes=("‘", "’"),
    true="true",
    false="false",
    decimal_mark=".",
    months=(
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    moment="{day} at {time}",
    unnamed="#{id}",
    joins={Combinator.AND: " and ", Combinator.OR: " or "},
    more="{items} and {count} more",
    read_as={
        FieldType.NUMBER: "{field} (as a number)",
        FieldType.DATE: "{field} (as a date)",
        FieldType.DATETIME: "{field} (as a date and time)",
        FieldType.BOOLEAN: "{field} (as true or false)",
    },
    ignoring_case="{sentence} (ignoring case)",
    or_no_value="{sentence} (or has no value)",
    not_true="it is not true that ({conditions})",
    spans=SpanWords(
        {unit: UnitWords(Noun(unit.value, f"{unit.value}s")) for unit in Unit},
        today="today",
        today_or_nearest="today or in the next {value}",
    ),
    window={
        "=": "on {value}",
        "!=": "not on {value}",
        "in": "on {value}",
        "notIn": "not on {value}",
        "<": "before {value}",
        "<=": "not after {value}",
        ">": "after {value}",
        ">=": "not before {value}",
        "between": "between {low} and {high} inclusive",
        "notBetween": "outside the period from {low} to {high}",
        "inLast": "in the last {value}",
        "notInLast": "not in the last {value}",
        "olderThan": "{value} ago or earlier",
        "inNext": "in the next {value}",
        "inPeriod": "{value}",
        "anniversaryWithin": "with an anniversary {value}",
        "anniversaryBetween": "with an anniversary between {low} and {high} inclusive",
        "null": "with no date",
        "notNull": "with a date",
    },
    or_no_date="{sentence} (or with no date)",
    short_lists={
        "in": ListWords("{field} is {value}", ", ", " or ", Combinator.OR),
        "notIn": ListWords("{field} is neither {value}", ", ", " nor ", Combinator.AND),
    },
)

EN = AudienceWords(
    rows=_ROWS,
    users="users {clause}",
    everyone="all users",
    no_one="no users",
    anyone="who may be anyone",
    nobody="who can be no one",
    not_among="who are not among those {clause}",
    clause_joins={Combinator.AND: " and ", Combinator.OR: " or "},
    dataset_window="{dataset} {window}",
    where="{rows} where {conditions}",
    did="who have a row in {rows}",
    did_not="who have no rows in {rows}",
    counted="who have {count} in {rows}",
    counts={
        "=": "exactly {number}",
        "<": "fewer than {number}",
        "<=": "at most {number}",
        ">": "more than {number}",
        ">=": "at least {number}",
        "between": "between {low} and {number}",
    },
    result="for whom, in {rows}, {comparison}",
    result_where="for whom, in {rows}, {comparison}",
    result_sentences={},
    or_not_defined="{sentence} (or has no value)",
    sequence="who have, in {rows}, {steps}",
    step="a row where {conditions}",
    any_step="any row",
    then=", then ",
    within="{steps}, with at most {span} from the first to the last",
    in_segment=("who are in the segment {name}", "who are not in the segment {name}"),
    on_list=("who are on the list {name}", "who are not on the list {name}"),
    sampled=(
        "who are in the {start}–{end}% share of the random split {seed}",
        "who are not in the {start}–{end}% share of the random split {seed}",
    ),
    top=(
        "who are in the top {count}{out_of} with the {ranked} in {rows}",
        "who are not in the top {count}{out_of} with the {ranked} in {rows}",
    ),
    out_of=" (out of those {clause})",
    aggregates={
        Function.ROWS: AggregateWords("the number of rows", "{order} number of rows", Noun("row", "rows")),
        Function.DAYS: AggregateWords(
            "the number of days with rows",
            "{order} number of days with rows",
            Noun("day", "days"),
            " with rows",
        ),
        Function.DISTINCT: AggregateWords(
            "the number of distinct values of {field}",
            "{order} number of distinct values of {field}",
            Noun("distinct value", "distinct values"),
            " of {field}",
        ),
        Function.SUM: AggregateWords("the sum of {field}", "{order} sum of {field}"),
        Function.AVG: AggregateWords("the average of {field}", "{order} average of {field}"),
        Function.MIN: AggregateWords("the minimum of {field}", "{order} minimum of {field}"),
        Function.MAX: AggregateWords("the maximum of {field}", "{order} maximum of {field}"),
        Function.FIRST: AggregateWords("the first {field}", "{order} first {field}"),
        Function.LAST: AggregateWords("the last {field}", "{order} last {field}"),
    },
    orders={
        Order.DESC: OrderWords("greatest", "greatest", "latest"),
        Order.ASC: OrderWords("smallest", "smallest", "earliest"),
    },
)
