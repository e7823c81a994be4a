"""``Crud``: what a composition root binds once, and then asks for resources.

The analog of Finale's ``initialize``::

    crud = Crud(app, database, scopes=("parts_manager",))
    crud.resource(Part)
"""

from collections.abc import Mapping, Sequence

from fastapi import FastAPI

from api.crud.fields import Model
from api.crud.options import ACTION_NAMES, ResourceOptions, SearchOptions, SortOptions
from api.crud.resource import DEFAULT_BODY_LIMIT, Resource
from api.crud.router import ResourceRouter
from api.http.exchange import Access
from db.database import Database


class Crud:
    """Exposes models on an app.

    Args:
        app: Gets the routes.
        database: Holds the rows; may be opened later.
        base: Stands in front of every path, also in ``Location``.
        scopes: What a token must hold, all of them, where a resource does not say otherwise.
        body_limit: The largest body an operation reads, in bytes.
    """

    def __init__(
        self,
        app: FastAPI,
        database: Database,
        *,
        base: str = "",
        scopes: Sequence[str] = (),
        body_limit: int = DEFAULT_BODY_LIMIT,
    ) -> None:
        self._app = app
        self._database = database
        self._base = base
        self._access = Access(all_of=tuple(scopes))
        self._body_limit = body_limit

    def resource(
        self,
        model: Model,
        *,
        endpoints: Sequence[str] = (),
        actions: Sequence[str] = ACTION_NAMES,
        pagination: bool = True,
        search: Sequence[SearchOptions] = (SearchOptions(),),
        sort: SortOptions = SortOptions(),  # noqa: B008 - frozen
        access: Mapping[str, Access] | None = None,
    ) -> Resource:
        """Expose a model; the options are explained at ``ResourceOptions``.

        Raises:
            ConfigurationError: An option is wrong; names the resource and the option.
        """
        options = ResourceOptions(
            model=model,
            endpoints=endpoints,
            actions=actions,
            pagination=pagination,
            search=search,
            sort=sort,
            access=access or {},
        )
        resource = Resource(
            options,
            self._database,
            base=self._base,
            default_access=self._access,
            body_limit=self._body_limit,
        )
        # Not include_router: its indirection costs a tenth of a small request, and adds nothing.
        self._app.router.routes.extend(ResourceRouter(resource, self._database).routes)
        return resource
