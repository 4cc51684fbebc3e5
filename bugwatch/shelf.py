"""Finds what stands on a shelf: one file, one kind. Nothing is registered anywhere else."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def modules(package: ModuleType) -> list[ModuleType]:
    """Every module of `package`, by name; also in a frozen program."""
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def discover(package: ModuleType, base: type[T]) -> dict[str, type[T]]:
    """`{kind: class}` for each class on the shelf that extends `base` and names its `kind`. Twice is an error."""
    found: dict[str, type[T]] = {}
    for module in modules(package):
        for _, candidate in inspect.getmembers(module, inspect.isclass):
            kind = getattr(candidate, "kind", None)
            if candidate.__module__ != module.__name__ or not issubclass(candidate, base) or not kind:
                continue
            if kind in found:
                raise TypeError(f"{candidate.__qualname__} and {found[kind].__qualname__} are both “{kind}”.")
            found[kind] = candidate
    return found
