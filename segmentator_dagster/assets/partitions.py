"""The dynamic partitions: one per segment, one per dataset. Keys are ids and names of ours, never free text."""

import dagster as dg

SEGMENTS = "segments"
DATASETS = "datasets"

segments = dg.DynamicPartitionsDefinition(name=SEGMENTS)
datasets = dg.DynamicPartitionsDefinition(name=DATASETS)
