"""`/api/v1/openapi.json`: the API, described from what stands beside its handlers, so that it cannot lag behind them.

Summary and description come from a handler's docstring, parameters from its route and query model, bodies and answers
from their models (`operation.py`), the scope from `for_project`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus

import msgspec
from msgspec import Struct
from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from pydantic.json_schema import JsonSchemaValue as Schema
from sanic import Blueprint, HTTPResponse, Request
from sanic_routing.route import Route

from bugwatch.server.api.operation import Answer, Operation, operation
from bugwatch.server.auth import public
from bugwatch.server.context import house

bp = Blueprint("api_openapi", url_prefix="/api/v1/openapi.json")

ROOT = "/api/v1/"
REFERENCE = "#/components/schemas/{name}"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
ABOUT = """Authenticate with `Authorization: Bearer` and a personal token, or the access token of `/auth/login`.

Ids are integers, instants ISO 8601 in UTC. Lists come in pages: ask again with `cursor` set to `next_cursor` until that
is null. What you may not see does not exist for you: it is answered with 404.
"""


class Error(Answer):
    """What went wrong."""

    code: str
    detail: str
    field: str = ""
    request_id: str


class Document(Answer):
    """An OpenAPI document."""

    model_config = ConfigDict(extra="allow")

    openapi: str
    info: dict[str, str]
    paths: dict[str, dict[str, object]]


@bp.get("/")
@public
@operation(Document)
async def show(request: Request) -> HTTPResponse:
    """This document."""
    site = house(request).site
    body = document(request.app.router.routes, site.version, site.url)
    return HTTPResponse(msgspec.json.encode(body), content_type="application/json")


def document(routes: Iterable[Route], version: str, url: str) -> Schema:
    """The OpenAPI 3.1 document of those `routes` that belong to the API."""
    ours = sorted((route for route in routes if path_of(route).startswith(ROOT)), key=path_of)
    references, schemas = _schemas(spec for route in ours if (spec := _operation(route)))
    paths: dict[str, Schema] = {}
    for route in ours:
        for method in sorted(METHODS & route.methods):
            described = _described(route, references, schemas)
            paths.setdefault(path_of(route), {})[method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bugwatch", "version": version, "description": ABOUT},
        "servers": [{"url": url}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in schemas.items() if not name.endswith("Query")},
            "responses": {"Error": {"description": "What went wrong.", "content": _json(references[Error])}},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def path_of(route: Route) -> str:
    """`/api/v1/projects/{project_id}`."""
    return "/" + re.sub(r"<(\w+)(?::\w+)?>", r"{\1}", route.path).strip("/")


def _described(route: Route, references: dict[type, Schema], schemas: dict[str, Schema]) -> Schema:
    spec, (summary, _, text) = _operation(route), (inspect.getdoc(route.handler) or "").partition("\n\n")
    described: Schema = {
        "operationId": route.name.removeprefix("bugwatch.").removeprefix("api_"),
        "tags": [path_of(route).removeprefix(ROOT).split("/")[0]],
        "summary": summary.replace("\n", " "),
        "parameters": list(_parameters(route, spec, schemas)),
        "responses": {"default": {"$ref": "#/components/responses/Error"}},
    }
    if getattr(route.handler, "is_public", False):
        described["security"] = []
    elif spec and spec.security != "bearer":
        described["security"] = [{spec.security: []}]
    if verb := getattr(route.handler, "verb", None):
        text = f"Needs the scope `{verb}`.\n\n{text}".rstrip()
    if text:
        described["description"] = text
    if spec and spec.body:
        is_required = issubclass(spec.body, Struct) or bool(schemas[spec.body.__name__].get("required"))
        described["requestBody"] = {"required": is_required, "content": _json(references[spec.body])}
    status = spec.status if spec else 200
    described["responses"][str(status)] = {"description": HTTPStatus(status).phrase}
    if spec and spec.answer:
        described["responses"][str(status)]["content"] = _json(references[spec.answer])
    elif spec and spec.media_type != "application/json":
        described["responses"][str(status)]["content"] = {spec.media_type: {}}
    return described


def _parameters(route: Route, spec: Operation | None, schemas: dict[str, Schema]) -> Iterator[Schema]:
    for parameter in route.params.values():
        schema = {"type": "integer", "minimum": 0} if parameter.cast is int else {"type": "string"}
        yield {"name": parameter.name, "in": "path", "required": True, "schema": schema}
    if spec and spec.query:
        for name, schema in schemas[spec.query.__name__]["properties"].items():
            shown = {key: value for key, value in schema.items() if key not in ("anyOf", "description", "title")}
            # In a query there is no null: what may be left out is left out.
            shown |= next((choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"), {})
            if shown.get("default", "") is None:
                del shown["default"]
            described = {"name": name, "in": "query", "required": False, "schema": shown}
            yield described | ({"description": schema["description"]} if "description" in schema else {})


def _operation(route: Route) -> Operation | None:
    return getattr(route.handler, "operation", None)


def _schemas(specs: Iterable[Operation]) -> tuple[dict[type, Schema], dict[str, Schema]]:
    """A reference to each model, and the schemas by name. Bodies that are checked in `protocol` are msgspec's."""
    models: dict[type[BaseModel], JsonSchemaMode] = {Error: "serialization"}
    structs: list[type[Struct]] = []
    for spec in specs:
        models |= {spec.answer: "serialization"} if spec.answer else {}
        models |= {spec.query: "validation"} if spec.query else {}
        if spec.body and issubclass(spec.body, Struct):
            structs.append(spec.body)
        if spec.body and issubclass(spec.body, BaseModel):
            models[spec.body] = "validation"
    found, schema = models_json_schema(list(models.items()), ref_template=REFERENCE.format(name="{model}"))
    others, definitions = msgspec.json.schema_components(structs, ref_template=REFERENCE)
    references: dict[type, Schema] = {model: found[model, mode] for model, mode in models.items()}
    return references | dict(zip(structs, others, strict=True)), schema["$defs"] | definitions


def _json(reference: Schema) -> Schema:
    return {"application/json": {"schema": reference}}
