"""The vocabulary of refusals: what can be wrong with a reference to a segment or a list."""

from __future__ import annotations

from segmentator_dagster.domain.problems import MAX_EXPANDED_NODES, MAX_REFERENCES, kind_of

UNKNOWN_SEGMENT = kind_of(
    "unknown_segment",
    "There is no segment {id}.",
    "Сегмента {id} нет.",
    "`GET /segments` lists those there are.",
    "Список сегментов: `GET /segments`.",
)
DELETED_SEGMENT = kind_of(
    "deleted_segment",
    "Segment {id} “{name}” is deleted.",
    "Сегмент {id} «{name}» удалён.",
    "`POST /segments/{id}/restore` brings it back.",
    "Вернуть его: `POST /segments/{id}/restore`.",
)
SEGMENT_CYCLE = kind_of(
    "segment_cycle",
    "The segments refer to each other in a circle: {path}.",
    "Сегменты ссылаются друг на друга по кругу: {path}.",
)
REFERENCES_TOO_DEEP = kind_of(
    "references_too_deep",
    f"Segments refer to segments more than {MAX_REFERENCES} times in a row: {{path}}.",
    f"Сегменты ссылаются на сегменты больше {MAX_REFERENCES} раз подряд: {{path}}.",
)
EXPANDED_TOO_LARGE = kind_of(
    "expanded_too_large",
    f"With the rules of the segments it refers to, the rule has over {MAX_EXPANDED_NODES} nodes.",
    f"Вместе с правилами сегментов, на которые оно ссылается, в правиле больше {MAX_EXPANDED_NODES} узлов.",
)
BROKEN_SEGMENT = kind_of(
    "broken_segment",
    "Segment {id} “{name}” is broken: {reason_en}",
    "Сегмент {id} «{name}» не работает: {reason_ru}",
    "Mend it first.",
    "Сначала исправьте его.",
)
UNKNOWN_LIST = kind_of(
    "unknown_list",
    "There is no list {id}.",
    "Списка {id} нет.",
    "`GET /lists` shows those there are.",
    "Списки: `GET /lists`.",
)
