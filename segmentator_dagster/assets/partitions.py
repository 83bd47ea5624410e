"""The dynamic partitions: one per segment, one per dataset. Keys are ids and names of ours, never free text."""

import dagster as dg

segments = dg.DynamicPartitionsDefinition(name="segments")
datasets = dg.DynamicPartitionsDefinition(name="datasets")
