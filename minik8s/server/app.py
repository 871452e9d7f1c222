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
    app.router.routes.append(Route("/{path:path}", adapter))
    return app
