"""segment_csv, segment_xlsx and segment_parquet: the snapshot of a segment -> its published files."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from segmentator_dagster.assets.audience import segment_audience
from segmentator_dagster.assets.partitions import segments
from segmentator_dagster.assets.run import FILES, request_of, run_of
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.export import Format
from segmentator_dagster.exports.exporter import Exporter
from segmentator_dagster.exports.problems import FILE_INCOMPLETE
from segmentator_dagster.scrubbing import Scrubber

_CHECK = "rows_match_snapshot"

Events = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


def _file_asset(format_: Format, kind: str, description: str) -> dg.AssetsDefinition:
    key = FILES[format_]

    @dg.asset(
        key=key,
        partitions_def=segments,
        deps=[segment_audience],
        group_name="segments",
        kinds={"s3", kind},
        description=description,
        check_specs=[
            dg.AssetCheckSpec(
                _CHECK, asset=key, description="The files have exactly one row for each user they are about."
            )
        ],
    )
    def file_asset(
        context: dg.AssetExecutionContext, exporter: dg.ResourceParam[Exporter], scrubber: dg.ResourceParam[Scrubber]
    ) -> Events:
        run = run_of(context)
        with request_of(context, exporter, run, scrubber) as request:
            try:
                published = exporter.write_file(request, format_, run)
            except UserError as error:
                if error.code == FILE_INCOMPLETE.code:
                    yield dg.AssetCheckResult(
                        passed=False,
                        check_name=_CHECK,
                        metadata={k: str(v) for k, v in error.problems[0].values.items()},
                    )
                raise
        said = published.manifest
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": said["rows"],
                "size": dg.MetadataValue.int(said["bytes"]),
                "sha256": said["sha256"] or "",
                "files": len(said["files"]),
                "segment": said["segment_name"],
                "version": said["version"],
                "export_id": published.export.id,
                "object_key": published.export.object_key or "",
                "manifest": dg.MetadataValue.json(dict(said)),
            },
            check_results=[
                dg.AssetCheckResult(
                    passed=said["rows"] + sum(said["skipped"].values()) == said["users"],
                    check_name=_CHECK,
                    metadata={"file_rows": said["rows"], "users": said["users"]},
                )
            ],
            data_version=dg.DataVersion(fingerprint_of(said)),
        )

    return file_asset


def fingerprint_of(manifest: Mapping[str, Any]) -> str:
    """The SHA-256 of the file, or of the hashes of several."""
    hashes = [file["sha256"] for file in manifest["files"]]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


segment_csv = _file_asset(Format.CSV, "csv", "The users of a segment with their fields as CSV.")
segment_xlsx = _file_asset(Format.XLSX, "excel", "The users of a segment with their fields as an Excel workbook.")
segment_parquet = _file_asset(Format.PARQUET, "parquet", "The users of a segment with their fields as Parquet.")
