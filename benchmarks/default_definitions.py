"""The product's assets as Dagster runs them out of the box: a process per run, another one per step."""

import dagster as dg

from segmentator_dagster import definitions as product

defs = dg.Definitions(assets=product.defs.assets, resources=product.defs.resources, executor=dg.multiprocess_executor)
