"""Field -> the route it is the same as: it needs what that needs, and is counted with it.

Every field that does something is here, the roots' and those of other types that load; or the schema is not built.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types.base import get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from segmentator_dagster.api.permissions import OPEN, ROUTES
from segmentator_dagster.api.rate_limits import OF_ROUTE, Limit
from segmentator_dagster.domain.access import Action
from segmentator_dagster.domain.errors import InternalError

if TYPE_CHECKING:
    from segmentator_dagster.api.graphql.asking import Asking

FIELDS: dict[str, str] = {
    "Query.me": "get_me",
    "Query.mySessions": "list_own_sessions",
    "Query.myTokens": "list_own_tokens",
    "Query.segment": "get_segment",
    "Query.segments": "list_segments",
    "Query.versions": "list_versions",
    "Query.ruleFile": "download_rule_file",
    "Query.exports": "list_exports",
    "Query.export": "get_export",
    "Query.snapshots": "list_snapshots",
    "Query.exportOptions": "export_options",
    "Query.datasets": "list_datasets",
    "Query.dataset": "list_fields",
    "Query.values": "list_values",
    "Query.operators": "list_operators",
    "Query.ruleSchema": "get_rule_schema",
    "Query.checkRule": "check_rule",
    "Query.count": "count_audience",
    "Query.preview": "preview_audience",
    "Query.breakdown": "break_down_audience",
    "Query.funnel": "explain_audience",
    "Query.lists": "list_lists",
    "Query.list": "get_list",
    "Query.people": "list_people",
    "Query.person": "get_person",
    "Query.invites": "list_invites",
    "Query.access": "get_access",
    "Query.settings": "get_settings",
    "Query.audit": "list_audit",
    "Segment.versions": "list_versions",
    "Segment.exports": "list_exports",
    "Segment.snapshots": "list_snapshots",
    "Mutation.createSegment": "create_segment",
    "Mutation.updateSegment": "update_segment",
    "Mutation.shareSegment": "share_segment",
    "Mutation.deleteSegment": "delete_segment",
    "Mutation.restoreSegment": "restore_segment",
    "Mutation.copySegment": "copy_segment",
    "Mutation.importRule": "import_rule_file",
    "Mutation.requestExports": "request_exports",
    "Mutation.cancelExport": "cancel_export",
    "Mutation.downloadUrl": "download_export",
    "Mutation.renameList": "rename_list",
    "Mutation.shareList": "share_list",
    "Mutation.deleteList": "delete_list",
    "Mutation.restoreList": "restore_list",
    "Mutation.setRole": "set_role",
    "Mutation.blockPerson": "block_person",
    "Mutation.unblockPerson": "unblock_person",
    "Mutation.deletePerson": "delete_person",
    "Mutation.createInvite": "create_invite",
    "Mutation.withdrawInvite": "withdraw_invite",
    "Mutation.setAccess": "set_access",
    "Mutation.setAccessOfPerson": "set_access_of_person",
    "Mutation.changeSettings": "change_settings",
    "Mutation.createToken": "create_token",
    "Mutation.revokeToken": "revoke_token",
    "Mutation.endSession": "end_own_session",
    "Mutation.endSessions": "end_own_sessions",
    "Subscription.exportProgress": "watch_export",
}
BY_REST_ONLY = frozenset(
    {
        *("health", "ready", "fetch_file", "openapi", "api_docs", "api_docs_file"),
        *("create_list", "fill_list", "download_items", "download_unmatched", "download_audit"),
        "download_manifest",  # `Query.export` has it
    }
)
"""Routes that are bytes of files, or nobody's."""
QUESTIONS = frozenset(
    field.partition(".")[2] for field, route in FIELDS.items() if OF_ROUTE.get(route) is Limit.QUESTION
)
"""Fields that ClickHouse answers."""


def action_of(field: str) -> Action:
    """What a field needs. InternalError for one that is not in the table."""
    action = ROUTES.get(FIELDS.get(field, ""))
    if action is None or action == OPEN:
        raise InternalError(f"the GraphQL field {field!r} is not in api/graphql/permissions.py")
    return action


def close(types: tuple[type, ...]) -> None:
    """Gate every field of these types that does something; InternalError where one is not in the table, or the table
    has one that is not there."""
    gated = {name: field for type_ in types for name, field in _doing(type_)}
    for name, field in gated.items():
        field.extensions = [*field.extensions, Gate(name, action_of(name))]
    if missing := FIELDS.keys() - gated.keys():
        raise InternalError(f"api/graphql/permissions.py names fields that are not there: {sorted(missing)}")


def _doing(type_: type) -> Iterator[tuple[str, StrawberryField]]:
    definition = get_object_definition(type_, strict=True)
    for field in definition.fields:
        if field.base_resolver is not None:
            yield f"{definition.name}.{field.graphql_name or to_camel_case(field.python_name)}", field


class Gate(FieldExtension):
    """Goes before the resolver of a field."""

    def __init__(self, field: str, action: Action) -> None:
        self._field = field
        self._action = action
        self._limit = OF_ROUTE.get(FIELDS[field])

    async def resolve_async(
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: strawberry.Info[Asking, None], **kwargs: Any
    ) -> Any:
        await info.context.admit(self._field, self._action, self._limit)
        result = next_(source, info, **kwargs)
        return await result if isawaitable(result) else result
