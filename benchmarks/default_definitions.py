"""The product's assets as Dagster runs them out of the box: a process per run, another one per step."""

import dagster as dg

from segmentator_dagster.definitions import defs as product

defs = dg.Definitions(assets=product.assets, resources=product.resources, executor=dg.multiprocess_executor)
