"""Resolved export options beside formats, columns and a dataset -> what about them makes no sense."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from segmentator_dagster.domain.catalogue import Dataset
from segmentator_dagster.domain.errors import Problem, pointer_to
from segmentator_dagster.domain.export import Format
from segmentator_dagster.domain.export_options import CsvOptions, Encoding, ExportOptions
from segmentator_dagster.domain.problems import FIELD_MASKED, UNKNOWN_FIELD, kind_of, shown, suggestion

BOM_NOT_HERE = kind_of(
    "bom_not_here",
    "A byte order mark is for UTF-8; `{encoding}` has none.",
    "Метка порядка байтов (BOM) бывает только у UTF-8; в `{encoding}` её нет.",
    'Say `"bom": false`, or choose the encoding `utf-8`.',
    'Укажите `"bom": false` или выберите кодировку `utf-8`.',
)
UNENCODABLE_TEXT = kind_of(
    "unencodable_text",
    "`{text}` cannot be written in `{encoding}`.",
    "`{text}` нельзя записать в кодировке `{encoding}`.",
    "Choose a text of its characters, or the encoding `utf-8`.",
    "Выберите текст из знаков этой кодировки или кодировку `utf-8`.",
)
TWO_SPLITS = kind_of(
    "two_splits",
    "Files are split either by rows or by a field, not by both.",
    "Файлы делят либо по числу строк, либо по полю — не по тому и другому сразу.",
    "Leave one of `rows` and `field` out.",
    "Уберите `rows` или `field`.",
)
SPLIT_FIELD_NOT_EXPORTED = kind_of(
    "split_field_not_exported",
    "The field `{name}` is not among the exported columns.",
    "Поля `{name}` нет среди выгружаемых столбцов.",
    "Add it to `columns`, or split by a column that is there. {suggestion_en}",
    "Добавьте его в `columns` или разделите по столбцу, который есть. {suggestion_ru}",
)
NO_CONTACTS = kind_of(
    "no_contacts",
    "Yandex Audience needs an e-mail or a phone of each user.",
    "Яндекс Аудиториям нужна почта или телефон каждого пользователя.",
    "Name the field in `email`, in `phone`, or in both.",
    "Назовите поле в `email`, в `phone` или в обоих.",
)
AUDIENCE_IS_CSV = kind_of(
    "audience_is_csv",
    "Yandex Audience takes CSV only; `{format}` cannot be asked for together with its preset.",
    "Яндекс Аудитории принимают только CSV; вместе с этой заготовкой нельзя запросить `{format}`.",
    'Ask for `csv` alone, or switch the preset off: `"yandex_audience": {{}}`.',
    'Запросите только `csv` или отключите заготовку: `"yandex_audience": {{}}`.',
)
AUDIENCE_IS_ONE_FILE = kind_of(
    "audience_is_one_file",
    "A file for Yandex Audience is not split.",
    "Файл для Яндекс Аудиторий не делят на части.",
    'Switch one of them off: `"split": {{}}` or `"yandex_audience": {{}}`.',
    'Отключите одно из двух: `"split": {{}}` или `"yandex_audience": {{}}`.',
)

_NOT_CSV = frozenset(format_.value for format_ in Format if format_ is not Format.CSV)


def option_problems(
    options: ExportOptions, formats: Sequence[str] = (), formats_pointer: str = "/formats"
) -> Iterator[Problem]:
    """What can be said without the data; pointers lead below `/export`, or to one of the formats."""
    if options.csv is not None:
        yield from _csv_problems(options.csv)
    split, audience = options.split, options.yandex_audience
    if split is not None and split.rows is not None and split.field is not None:
        yield TWO_SPLITS.at("/export/split")
    if audience is not None:
        if audience.email is None and audience.phone is None:
            yield NO_CONTACTS.at("/export/yandex_audience")
        if split is not None:
            yield AUDIENCE_IS_ONE_FILE.at("/export/split")
        for index, name in enumerate(formats):
            if name in _NOT_CSV:
                yield AUDIENCE_IS_CSV.at(pointer_to(formats_pointer, index), format=name)


def field_problems(options: ExportOptions, columns: Sequence[str] | None, dataset: Dataset) -> Iterator[Problem]:
    """Fields that are not there, or only as their masks. `columns` are those of the files, None: every field.

    `dataset` is what whoever asks sees of it.
    """
    known = [field.name for field in dataset.fields]
    masked = {field.name for field in dataset.fields if field.masked}
    if options.split is not None and options.split.field is not None:
        name = options.split.field
        exported = [one for one in (known if columns is None else columns) if one in known and one != dataset.user_key]
        if name not in exported:
            near = suggestion(name, exported)
            yield SPLIT_FIELD_NOT_EXPORTED.at("/export/split/field", name=shown(name), **near)
        elif name in masked:
            yield FIELD_MASKED.at("/export/split/field", name=shown(name))
    if options.yandex_audience is not None:
        for key in ("email", "phone"):
            name = getattr(options.yandex_audience, key)
            pointer = pointer_to("/export/yandex_audience", key)
            if name is not None and name not in known:
                yield UNKNOWN_FIELD.at(
                    pointer, dataset=shown(dataset.name), name=shown(name), **suggestion(name, known)
                )
            elif name in masked:
                yield FIELD_MASKED.at(pointer, name=shown(name))


def _csv_problems(csv: CsvOptions) -> Iterator[Problem]:
    if csv.encoding is None or csv.encoding is Encoding.UTF_8:
        return
    if csv.bom:
        yield BOM_NOT_HERE.at("/export/csv/bom", encoding=csv.encoding.value)
    try:
        (csv.null_text or "").encode(csv.encoding.value)
    except UnicodeEncodeError:
        yield UNENCODABLE_TEXT.at("/export/csv/null_text", text=csv.null_text, encoding=csv.encoding.value)
