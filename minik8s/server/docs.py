"""/docs: the API's own documents in Swagger UI, whose files come from an installed package."""

from __future__ import annotations

import html
import json
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response

from minik8s.apiserver import Request
from minik8s.errors import NotFound
from minik8s.server.hub import Hub

ASSETS = "fastapi_offline"
"""The package; its code is not needed, only its folder `static`."""

_FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon.png": "image/png",
}

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="icon" href="/docs/favicon.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script>
const documents = {documents};
const choose = document.createElement("select");
for (const each of documents) choose.add(new Option(each, "/openapi/v3/" + each));
document.body.prepend(choose);
const show = () => SwaggerUIBundle({{
  url: choose.value, dom_id: "#docs", deepLinking: false, validatorUrl: null
}});
choose.onchange = show;
show();
</script>
</body>
</html>
"""


def add_docs(app: FastAPI, hub: Hub) -> None:
    """Add the page and its files to an application."""

    @app.get("/docs", include_in_schema=False)
    def page() -> Response:
        index = hub.handle(Request("GET", "/openapi/v3")).body
        documents = sorted(index["paths"]) if isinstance(index, dict) else []
        documents.sort(key=lambda each: (each != "apis/networking.k8s.io/v1", each))
        text = _PAGE.format(
            title=html.escape("minik8s: the API"),
            documents=json.dumps(documents).replace("<", "\\u003c"),
        )
        return HTMLResponse(text)

    @app.get("/docs/{name}", include_in_schema=False)
    def file(name: str) -> Response:
        folder = assets()
        if name not in _FILES or folder is None or not (folder / name).is_file():
            return Response(
                json.dumps(NotFound.path().status()), 404, media_type="application/json"
            )
        return FileResponse(folder / name, media_type=_FILES[name])


def assets() -> Path | None:
    """Where Swagger UI's files lie; None if the package is not installed."""
    spec = find_spec(ASSETS)  # looks for it, runs nothing of it
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "static"
