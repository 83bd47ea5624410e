"""What export options and their values are called, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from segmentator_dagster.domain.export import Format

Text = tuple[str, str]
"""Russian, English."""

FORMATS: Mapping[Format, Text] = {
    Format.CSV: ("CSV", "CSV"),
    Format.XLSX: ("Excel (XLSX)", "Excel (XLSX)"),
    Format.PARQUET: ("Parquet", "Parquet"),
}
LABELS: Mapping[str, Text] = {
    "csv.profile": ("Профиль CSV", "CSV profile"),
    "csv.delimiter": ("Разделитель", "Delimiter"),
    "csv.quote": ("Кавычки", "Quote"),
    "csv.decimal_mark": ("Десятичный знак", "Decimal mark"),
    "csv.date_format": ("Даты", "Dates"),
    "csv.bom": ("Метка порядка байтов (BOM)", "Byte order mark (BOM)"),
    "csv.line_end": ("Конец строки", "Line end"),
    "csv.null_text": ("Вместо NULL", "In place of NULL"),
    "csv.formula_guard": ("Защита от формул", "Formula guard"),
    "csv.encoding": ("Кодировка", "Encoding"),
    "csv.compression": ("Сжатие", "Compression"),
    "xlsx.overflow": ("Строки, не вошедшие на лист", "Rows beyond one sheet"),
    "xlsx.sheet_rows": ("Строк на листе, не больше", "Most rows on a sheet"),
    "xlsx.about": ("Лист «О выгрузке»", "“About” sheet"),
    "headers": ("Заголовки столбцов", "Column headers"),
    "split.rows": ("Строк в файле, не больше", "Most rows in a file"),
    "split.field": ("Отдельный файл на каждое значение поля", "A file for each value of a field"),
    "yandex_audience.email": ("Яндекс Аудитории: поле с почтой", "Yandex Audience: e-mail field"),
    "yandex_audience.phone": ("Яндекс Аудитории: поле с телефоном", "Yandex Audience: phone field"),
    "yandex_audience.external_id": ("Яндекс Аудитории: с id пользователя", "Yandex Audience: with the user id"),
    "yandex_audience.hashed": ("Яндекс Аудитории: контакты в виде SHA-256", "Yandex Audience: contacts as SHA-256"),
}
VALUES: Mapping[str, Mapping[str, Text]] = {
    "csv.profile": {
        "machine": ("Для программ (RFC 4180)", "For programs (RFC 4180)"),
        "excel-ru": ("Для русского Excel", "For Russian Excel"),
        "excel-cp1251": ("Для старых программ (Windows-1251)", "For old programs (Windows-1251)"),
    },
    "csv.delimiter": {
        ",": ("Запятая", "Comma"),
        ";": ("Точка с запятой", "Semicolon"),
        "\t": ("Табуляция", "Tab"),
        "|": ("Вертикальная черта", "Vertical bar"),
    },
    "csv.quote": {'"': ("Двойные", "Double"), "'": ("Одинарные", "Single")},
    "csv.decimal_mark": {".": ("Точка", "Point"), ",": ("Запятая", "Comma")},
    "csv.date_format": {
        "iso": ("2026-03-31 23:59:59", "2026-03-31 23:59:59"),
        "dd.mm.yyyy": ("31.03.2026 23:59:59", "31.03.2026 23:59:59"),
    },
    "csv.line_end": {"crlf": ("CRLF (Windows)", "CRLF (Windows)"), "lf": ("LF (Linux, macOS)", "LF (Linux, macOS)")},
    "csv.encoding": {"utf-8": ("UTF-8", "UTF-8"), "windows-1251": ("Windows-1251", "Windows-1251")},
    "csv.compression": {"none": ("Без сжатия", "None"), "gzip": ("gzip", "gzip"), "zstd": ("Zstandard", "Zstandard")},
    "xlsx.overflow": {
        "sheets": ("На следующем листе", "On the next sheet"),
        "workbooks": ("В следующей книге, книги в ZIP", "In the next workbook, all in a ZIP"),
    },
    "headers": {
        "names": ("Имена полей", "Names of fields"),
        "ru": ("Подписи по-русски", "Labels in Russian"),
        "en": ("Подписи по-английски", "Labels in English"),
        "none": ("Без заголовков", "None"),
    },
}
