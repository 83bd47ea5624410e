"""Dagster runs start in warm, pre-forked processes: launcher and coordinator -> pool -> one worker per run."""
