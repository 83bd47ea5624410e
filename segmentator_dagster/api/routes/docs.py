"""HTTP -> our OpenAPI document, and Swagger UI over it with nothing from any other site."""

from __future__ import annotations

import base64
import hashlib
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from segmentator_dagster.api.gate import closed_router

router = closed_router(include_in_schema=False)

_FILES = Path(str(files("fastapi_swagger.resources")))
_START = 'SwaggerUIBundle({url: "/api/v1/openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null})'
_START_HASH = base64.b64encode(hashlib.sha256(_START.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; script-src 'self' 'sha256-{_START_HASH}'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Segmentator API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/api/v1/docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="/api/v1/docs/swagger-ui-bundle.js"></script>
<script>{_START}</script>
</body>
</html>
"""


class DocsFile(StrEnum):
    SCRIPT = "swagger-ui-bundle.js"
    STYLE = "swagger-ui.css"


@router.get("/openapi.json")
async def openapi(request: Request) -> JSONResponse:
    """What the API is, for programs."""
    return JSONResponse(request.app.openapi())


@router.get("/docs")
async def api_docs() -> HTMLResponse:
    """The API to read and to try."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/{name}")
async def api_docs_file(name: DocsFile) -> FileResponse:
    """What the page is made with."""
    return FileResponse(_FILES / name, headers={"Cache-Control": "public, max-age=3600"})
