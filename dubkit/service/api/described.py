"""How the API describes itself in OpenAPI: the errors of each request, keys, and the pages that show it."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from dubkit.service.api import problems
from dubkit.service.api.schemas import JOB_ID, ProblemAnswer

SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key of this service: `dk_...`"},
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same key, in a header of its own",
    },
}
EVERYWHERE = ("foreign-page", "wrong-host", "too-many-requests", "failed", "away")
KEYLESS = {("get", "/health")}
HERE_KEYLESS = {"/metrics"}
"""What this machine itself may ask for without a key."""
SUMMARY = """Takes a video in one language and gives back the same video spoken in another.

Upload a film (`POST /api/v1/upload`, or in parts under `/api/v1/uploads` with the tus protocol), watch its job
(`GET .../status` or the WebSocket `.../progress?after=N`), correct its lines, dub again, and fetch the files.
Errors are problem documents (RFC 9457); their `type` is stable."""

Responses = dict[int | str, dict[str, Any]]


def refusals(*kinds: str) -> Responses:
    """The answers of a request that was not done, as FastAPI describes them, besides those that any request may get."""
    found: Responses = {}
    for kind in (*kinds, *EVERYWHERE):
        status, title = problems.KINDS[kind]
        example = {
            "type": problems.TYPES + kind,
            "title": title,
            "status": status,
            "detail": problems.SAID.get(kind, f"{title}."),
            "instance": f"/api/v1/jobs/{JOB_ID}",
            "request_id": "5f0c8d2b7e9a4c31",
        }
        told = found.setdefault(
            status,
            {
                "description": title,
                "content": {
                    problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}, "examples": {}}
                },
            },
        )
        told["content"][problems.MEDIA_TYPE]["examples"][kind] = {"summary": title, "value": example}
    return found


def describe(app: FastAPI, needs_key: bool) -> None:
    """Add to an application's OpenAPI what FastAPI does not know: the problem document, and that keys are needed."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = plain()
            components = found.setdefault("components", {})
            schemas = components.setdefault("schemas", {})
            schemas["ProblemAnswer"] = ProblemAnswer.model_json_schema()
            # Answers to requests that do not fit are problem documents, too.
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            if needs_key:
                components["securitySchemes"] = SECURITY_SCHEMES
                _ask_for_keys(found["paths"])
        schema: dict[str, Any] = app.openapi_schema or {}
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _ask_for_keys(paths: dict[str, Any]) -> None:
    for path, methods in paths.items():
        for method, operation in methods.items():
            if (method, path) not in KEYLESS and not path.startswith(problems.FILES):
                operation["security"] = [{"bearer": []}, {"key": []}, *([{}] if path in HERE_KEYLESS else [])]
