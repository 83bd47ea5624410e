"""Route -> what whoever calls it must be allowed to do. Every route of the API is here, or it is not there at all.

GraphQL has the same table for its fields (`api/graphql/permissions.py`).
"""

from __future__ import annotations

from typing import Final, Literal

from segmentator_dagster.domain.access import Action

OPEN: Final = "open"
"""For everybody, signed in or not: what tells nothing of the data and changes nothing."""

ROUTES: dict[str, Action | Literal["open"]] = {
    # probes, and files by a link that is its own permission
    "health": OPEN,
    "ready": OPEN,
    "fetch_file": OPEN,
    # oneself
    "get_me": Action.OWN_READ,
    "list_own_sessions": Action.OWN_KEYS,
    "end_own_session": Action.OWN_KEYS,
    "end_own_sessions": Action.OWN_KEYS,
    "list_own_tokens": Action.OWN_KEYS,
    "create_token": Action.OWN_KEYS,
    "revoke_token": Action.OWN_KEYS,
    # segments
    "create_segment": Action.SEGMENTS_CHANGE,
    "list_segments": Action.SEGMENTS_READ,
    "get_segment": Action.SEGMENTS_READ,
    "update_segment": Action.SEGMENTS_CHANGE,
    "share_segment": Action.SEGMENTS_CHANGE,
    "delete_segment": Action.SEGMENTS_CHANGE,
    "restore_segment": Action.SEGMENTS_CHANGE,
    "copy_segment": Action.SEGMENTS_CHANGE,
    "list_versions": Action.SEGMENTS_READ,
    "download_rule_file": Action.SEGMENTS_READ,
    "import_rule_file": Action.SEGMENTS_CHANGE,
    # lists
    "create_list": Action.LISTS_CHANGE,
    "list_lists": Action.LISTS_READ,
    "get_list": Action.LISTS_READ,
    "fill_list": Action.LISTS_CHANGE,
    "rename_list": Action.LISTS_CHANGE,
    "share_list": Action.LISTS_CHANGE,
    "delete_list": Action.LISTS_CHANGE,
    "restore_list": Action.LISTS_CHANGE,
    "download_items": Action.EXPORTS_DOWNLOAD,
    "download_unmatched": Action.EXPORTS_DOWNLOAD,
    # the data and questions to them
    "list_datasets": Action.DATA_READ,
    "list_fields": Action.DATA_READ,
    "list_operators": Action.DATA_READ,
    "get_rule_schema": Action.DATA_READ,
    "export_options": Action.DATA_READ,
    "check_rule": Action.DATA_READ,
    "count_audience": Action.DATA_ASK,
    "preview_audience": Action.DATA_ASK,
    "break_down_audience": Action.DATA_ASK,
    "explain_audience": Action.DATA_ASK,
    "list_values": Action.DATA_ASK,
    # exports
    "request_exports": Action.EXPORTS_REQUEST,
    "list_exports": Action.EXPORTS_READ,
    "list_snapshots": Action.EXPORTS_READ,
    "get_export": Action.EXPORTS_READ,
    "watch_export": Action.EXPORTS_READ,
    "cancel_export": Action.EXPORTS_CANCEL,
    "download_export": Action.EXPORTS_DOWNLOAD,
    "download_manifest": Action.EXPORTS_READ,
    # people
    "list_people": Action.PEOPLE_READ,
    "get_person": Action.PEOPLE_READ,
    "set_role": Action.PEOPLE_CHANGE,
    "block_person": Action.PEOPLE_CHANGE,
    "unblock_person": Action.PEOPLE_CHANGE,
    "delete_person": Action.PEOPLE_CHANGE,
    "list_invites": Action.PEOPLE_READ,
    "create_invite": Action.PEOPLE_CHANGE,
    "withdraw_invite": Action.PEOPLE_CHANGE,
    "get_access": Action.ACCESS_READ,
    "set_access": Action.ACCESS_CHANGE,
    "set_access_of_person": Action.ACCESS_CHANGE,
    # the description of the API
    "openapi": Action.OWN_READ,
    "api_docs": Action.OWN_READ,
    "api_docs_file": OPEN,
    # the installation
    "get_settings": Action.SETTINGS_READ,
    "change_settings": Action.SETTINGS_CHANGE,
    "list_audit": Action.AUDIT_READ,
    "download_audit": Action.AUDIT_READ,
}
PAGES: dict[str, Action | Literal["open"]] = {
    "home": OPEN,
    "sign_in": OPEN,
    "sign_in_callback": OPEN,
    "sign_out": OPEN,
    "dagster": Action.DAGSTER,
}
"""What is no part of the API: each is served by a part of its own, which asks the same question."""
