"""What a client of the API sends, as a model: JSON in the body, words in the query. What is wrong with it is a sentence
that names the field."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from sanic import Request

from bugwatch.domain.errors import Invalid

M = TypeVar("M", bound=BaseModel)


def body_of(request: Request, model: type[M]) -> M:
    """The body as `model`; what it does not know is for the model to ignore or to forbid. Raises Invalid."""
    try:
        return model.model_validate_json(request.body or b"{}")
    except ValidationError as error:
        raise _sentence(error) from None


def query_of(request: Request, model: type[M]) -> M:
    """The query as `model`: of a word that comes twice, the first. Raises Invalid."""
    given = {name: values[0] for name, values in request.args.items()}
    for name, value in given.items():
        if "\0" in value:
            raise Invalid(f"“{name}” holds a character that no text has.", name)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _sentence(error) from None


def _sentence(error: ValidationError) -> Invalid:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])[:100]
    if not field:
        return Invalid("The body is not the JSON object that this address takes.")
    if first["type"] == "missing":
        return Invalid(f"“{field}” is missing.", field)
    if first["type"] == "extra_forbidden":
        return Invalid(f"“{field}” is not a field that this address takes.", field)
    return Invalid(f"“{field}” cannot be used: {first['msg'].removeprefix('Value error, ')}.", field)
