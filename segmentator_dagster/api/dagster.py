"""Partitions and runs of Dagster over its GraphQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from segmentator_dagster.domain.dagster_pages import DAGSTER_PATH
from segmentator_dagster.domain.tags import REQUEST_TAG

_PARTITIONS = "segments"
_REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "segmentator"}

_ADD = """mutation($p:String!,$k:String!,$r:RepositorySelector!){
  outcome:addDynamicPartition(partitionsDefName:$p,partitionKey:$k,repositorySelector:$r){
    __typename ... on PythonError{message} ... on UnauthorizedError{message}}}"""
_DELETE = """mutation($p:String!,$k:[String!]!,$r:RepositorySelector!){
  outcome:deleteDynamicPartitions(partitionsDefName:$p,partitionKeys:$k,repositorySelector:$r){
    __typename ... on PythonError{message} ... on UnauthorizedError{message}}}"""
_LAUNCH = """mutation($e:ExecutionParams!){
  outcome:launchRun(executionParams:$e){
    __typename ... on LaunchRunSuccess{run{runId}} ... on RunConfigValidationInvalid{errors{message}}
    ... on InvalidSubsetError{message} ... on PipelineNotFoundError{message} ... on RunConflict{message}
    ... on PythonError{message} ... on UnauthorizedError{message}}}"""
_TERMINATE = """mutation($id:String!){
  outcome:terminateRun(runId:$id,terminatePolicy:SAFE_TERMINATE){
    __typename ... on TerminateRunFailure{message} ... on RunNotFoundError{message} ... on PythonError{message}
    ... on UnauthorizedError{message}}}"""
_RUN_BY_TAG = """query($f:RunsFilter!){
  outcome:runsOrError(filter:$f,limit:1){__typename ... on Runs{results{runId}} ... on PythonError{message}}}"""
_VERSION = "{version}"

_PROMPT = httpx.Timeout(10, connect=2)
_LAUNCHING = httpx.Timeout(60, connect=2)  # the code server may be starting
_PROBE = httpx.Timeout(1.5)


class DagsterError(Exception):
    """Dagster did not do it, or nobody knows whether it did."""


class Dagster:
    """One Dagster web server. Connects on first use; safe to share between threads."""

    def __init__(self, url: str) -> None:
        # trust_env: a proxy of the environment is not for a loopback address. Expiry: the server closes after 5 s.
        self._client = httpx.Client(
            base_url=url,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=8, keepalive_expiry=4),
        )

    def add_partition(self, key: str) -> None:
        """One that is there already is fine."""
        variables = {"p": _PARTITIONS, "k": key, "r": _REPOSITORY}
        self._ask(_ADD, variables, _PROMPT, "AddDynamicPartitionSuccess", "DuplicateDynamicPartitionError")

    def delete_partition(self, key: str) -> None:
        """One that is not there is fine."""
        variables = {"p": _PARTITIONS, "k": [key], "r": _REPOSITORY}
        self._ask(_DELETE, variables, _PROMPT, "DeleteDynamicPartitionsSuccess")

    def launch(self, assets: Sequence[str], partition_key: str, tags: Mapping[str, str]) -> str:
        """Start a run that materialises these assets for one partition; gives its run id."""
        all_tags = {"dagster/partition": partition_key, **tags}
        parameters = {
            "selector": {
                **_REPOSITORY,
                "jobName": "__ASSET_JOB",
                "assetSelection": [{"path": [asset]} for asset in assets],
            },
            "mode": "default",
            "runConfigData": {},
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in all_tags.items()]},
        }
        return str(self._ask(_LAUNCH, {"e": parameters}, _LAUNCHING, "LaunchRunSuccess")["run"]["runId"])

    def terminate(self, run_id: str) -> None:
        self._ask(_TERMINATE, {"id": run_id}, _PROMPT, "TerminateRunSuccess")

    def run_of_request(self, request_id: str) -> str | None:
        """The newest run that carries a request's tag."""
        tags = {"tags": [{"key": REQUEST_TAG, "value": request_id}]}
        runs = self._ask(_RUN_BY_TAG, {"f": tags}, _PROMPT, "Runs")["results"]
        return str(runs[0]["runId"]) if runs else None

    def ping(self) -> None:
        """DagsterError where the web server does not answer."""
        self._post(_VERSION, {}, _PROBE)

    def close(self) -> None:
        self._client.close()

    def _ask(self, document: str, variables: Mapping[str, Any], timeout: httpx.Timeout, *fine: str) -> dict[str, Any]:
        outcome: dict[str, Any] = self._post(document, variables, timeout)["outcome"]
        if outcome["__typename"] not in fine:
            reasons = outcome.get("message") or [error["message"] for error in outcome.get("errors", ())]
            raise DagsterError(f"{outcome['__typename']}: {reasons}")
        return outcome

    def _post(self, document: str, variables: Mapping[str, Any], timeout: httpx.Timeout) -> dict[str, Any]:
        try:
            body = {"query": document, "variables": variables}
            answer = self._client.post(f"{DAGSTER_PATH}/graphql", json=body, timeout=timeout)
            answer.raise_for_status()
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DagsterError(f"{type(error).__name__}: {error}") from error
        if not isinstance(said, dict) or said.get("errors") or not isinstance(said.get("data"), dict):
            raise DagsterError(f"GraphQL: {str(said)[:500]}")
        data: dict[str, Any] = said["data"]
        return data
