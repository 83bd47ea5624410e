"""Uploaded lists in GraphQL. Their files go up and down by REST."""

from __future__ import annotations

from functools import partial

import strawberry

from segmentator_dagster.api.graphql.asking import Info
from segmentator_dagster.api.graphql.fields import field
from segmentator_dagster.api.graphql.paging import After, First, asked, paging
from segmentator_dagster.api.schemas.lists import ListOut, ListPatch, ListsPageOut
from segmentator_dagster.api.schemas.queries import PageQuery
from segmentator_dagster.api.schemas.sharing import SharingIn


@strawberry.type
class ListQueries:
    @field("One list with the report of its last upload. Its ids: `links.items`.")
    async def list(self, info: Info, id: int) -> ListOut:  # noqa: A002
        asking = info.context
        return await asking.run(lambda: ListOut.of(asking.use.lists.get(asking.actor, id)))

    @field("Lists, searched, filtered, sorted, page by page.")
    async def lists(
        self,
        info: Info,
        *,
        first: First = None,
        after: After = None,
        search: str | None = None,
        dataset: str | None = None,
        deleted: bool | None = None,
        sort: str | None = None,
    ) -> ListsPageOut:
        said = {"cursor": after, "search": search, "dataset": dataset, "deleted": deleted, "sort": sort}
        filters, asking = asked(PageQuery, first, said), info.context
        with paging():
            return await asking.run(
                lambda: ListsPageOut.of(asking.use.lists.page(asking.actor, **filters.model_dump()))
            )


@strawberry.type
class ListMutations:
    """A file is uploaded by `POST /api/v1/lists` and `PUT /api/v1/lists/{id}/items`."""

    @field("Changes the name or the description of a list. Files are uploaded by REST: `POST /api/v1/lists`.")
    async def rename_list(self, info: Info, id: int, input: ListPatch) -> ListOut:  # noqa: A002
        asking = info.context
        renamed = partial(asking.use.lists.rename, asking.actor, id, input.name, input.description)
        return await asking.run(lambda: ListOut.of(renamed()))

    @field("Says who sees a list; for administrators also whose it is.")
    async def share_list(self, info: Info, id: int, input: SharingIn) -> ListOut:  # noqa: A002
        asking = info.context
        shared = partial(asking.use.lists.share, asking.actor, id, input.visibility, input.owner_id)
        return await asking.run(lambda: ListOut.of(shared()))

    @field(
        "Deletes a list; it can be restored. Refused while a live segment refers to it: the error names them as "
        "`used_by`."
    )
    async def delete_list(self, info: Info, id: int) -> bool:  # noqa: A002
        asking = info.context
        await asking.run(partial(asking.use.lists.delete, asking.actor, id))
        return True

    @field("Takes back a deletion. The name must still be free.")
    async def restore_list(self, info: Info, id: int) -> ListOut:  # noqa: A002
        asking = info.context
        return await asking.run(lambda: ListOut.of(asking.use.lists.restore(asking.actor, id)))
