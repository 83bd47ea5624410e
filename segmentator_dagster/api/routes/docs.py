"""HTTP -> Swagger UI over our OpenAPI document, with nothing from any other site."""

from __future__ import annotations

import base64
import hashlib
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse

router = APIRouter(prefix="/docs", include_in_schema=False)

_FILES = Path(str(files("fastapi_swagger.resources")))
_START = 'SwaggerUIBundle({url: "/api/v1/openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null})'
_START_HASH = base64.b64encode(hashlib.sha256(_START.encode()).digest()).decode()
# Swagger UI draws with `style` attributes and images in `data:` addresses.
_POLICY = (
    f"default-src 'none'; script-src 'self' 'sha256-{_START_HASH}'; style-src 'self' 'unsafe-inline'; "
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


@router.get("")
async def api_docs() -> HTMLResponse:
    """The API to read and to try."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/{name}")
async def api_docs_file(name: DocsFile) -> FileResponse:
    """What the page is made with."""
    return FileResponse(_FILES / name, headers={"Cache-Control": "public, max-age=3600"})
