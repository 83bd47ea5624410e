"""The tags by which runs in Dagster and requests of ours know each other."""

REQUEST_TAG = "segmentator/request_id"

LANE_TAG = "segmentator/lane"
INTERACTIVE = "interactive"  # at once, in an idle warm worker
BATCH = "batch"  # in its turn
