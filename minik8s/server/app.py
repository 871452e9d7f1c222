"""The FastAPI application: a thin skin around the adapter, and the documentation's pages.

Bodies are not described to FastAPI: the API's own decoding, validation and schemas stand
behind the routes, and no model is built on the way.
"""

from __future__ import annotations

from fastapi import FastAPI
from starlette.routing import Route

from minik8s.server.adapter import Adapter
from minik8s.server.docs import add_docs


def make_app(adapter: Adapter) -> FastAPI:
    """The application for one cluster."""
    app = FastAPI(title="minik8s", docs_url=None, redoc_url=None, openapi_url=None)
    add_docs(app, adapter.hub)
    route = Route("/{path:path}", adapter)
    app.router.routes.append(route)
    app.router.default = route.app  # `OPTIONS *` is the one request whose path has no slash
    return app
