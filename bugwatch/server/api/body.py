"""JSON that a client of the API sends, as a model; what is wrong with it as a sentence that names the field."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from sanic import Request

from bugwatch.domain.errors import Invalid

M = TypeVar("M", bound=BaseModel)


def body_of(request: Request, model: type[M]) -> M:
    """The body as `model`; fields that it does not know are ignored. Raises Invalid."""
    try:
        return model.model_validate_json(request.body or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        if not field:
            raise Invalid("The body is not the JSON object that this address takes.") from None
        if first["type"] == "missing":
            raise Invalid(f"“{field}” is missing.", field) from None
        raise Invalid(f"“{field}” cannot be used: {first['msg']}.", field) from None
