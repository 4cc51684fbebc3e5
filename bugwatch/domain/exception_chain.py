"""Which exceptions of an event say what happened: groups (RFC 79) are opened, broken trees are read as lists, and
wrappers that only carry another exception across threads, promises or reflection are taken off."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bugwatch.domain.event import ExceptionValue
from bugwatch.domain.record import record


@record
class Chain:
    """`links` count for grouping, oldest cause first; `main` is the one that titles the issue.

    `wrappers` were taken off: they count where only they lead into the app's own code.
    """

    links: tuple[ExceptionValue, ...]
    main: ExceptionValue
    wrappers: tuple[ExceptionValue, ...] = ()


def chain_of(exceptions: Sequence[ExceptionValue], same: Callable[[ExceptionValue], object]) -> Chain | None:
    """The telling exceptions, or None if there are none. `same` gives equal values for exceptions that are one bug.

    A group whose members are all the same bug is that bug, with its causes. Different members stand beside their group.
    """
    if not exceptions:
        return None
    if len(exceptions) == 1:  # as most events have
        return Chain(tuple(exceptions), exceptions[0])
    exceptions = [e for e in exceptions if not e.type.startswith(_BOUNDARY)] or exceptions
    whole = _unwrapped(exceptions)
    if not any(e.mechanism and e.mechanism.is_exception_group for e in exceptions):
        return whole
    tree = _tree(exceptions)
    if tree is None:
        return whole
    root, children = tree
    distinct = {same(e): e for e in reversed(_members(root, children))}
    if len(distinct) == 1:
        (main,) = distinct.values()
        return _unwrapped(_causes(main, children)[::-1])
    # Tasks fail in any order: theirs must not tell one bug from another.
    members = [distinct[likeness] for likeness in sorted(distinct, key=repr)]
    return Chain((*members, root), root)


# --- wrappers ---

# React reports the components above an error as if they were its cause: where in the page it was, not why.
_BOUNDARY = "React ErrorBoundary"
# They say that something failed elsewhere; what, says their cause.
_WRAPPERS = """
AggregateException CompletionException CompositeException ExceptionInInitializerError ExecutionException
HandlerFailedException InvocationTargetException NestedServletException OnErrorNotImplementedException
PrivilegedActionException ReactiveException RetryError ServletException TargetInvocationException
TypeInitializationException UndeclaredThrowableException UndeliverableException ViewException WrapperError
ActionView::Template::Error
"""
WRAPPERS = frozenset(_WRAPPERS.split())
# `new RuntimeException(cause)` calls itself as its cause does; another text would be the developer's own.
_PLAIN_TYPES = frozenset({"Error", "Exception", "RuntimeException", "Throwable", "UncheckedIOException"})
_WRAPPING_TEXTS = (
    "An error occurred while executing doInBackground()",
    "An error occurred while saving the entity changes",
    "An error occurred while updating the entries",
    "An exception has been thrown during the rendering of a template",
    "Could not execute method for android:onClick",
    "Error receiving broadcast Intent",
    "Unable to create application",
    "Unable to instantiate",
    "Unable to resume activity",
    "Unable to start activity",
    "Unable to start receiver",
    "Unable to start service",
    "There was an error during concurrent rendering",
    "There was an error while hydrating",
)


def _unwrapped(exceptions: Sequence[ExceptionValue]) -> Chain:
    """The chain, oldest cause first, without the wrappers at its end that have a cause which says more."""
    count = len(exceptions)
    while count > 1 and _is_wrapper(exceptions[count - 1], exceptions[count - 2]):
        count -= 1
    return Chain(tuple(exceptions[:count]), exceptions[count - 1], tuple(exceptions[count:]))


def _is_wrapper(outer: ExceptionValue, cause: ExceptionValue) -> bool:
    if not (cause.type or cause.value) or (outer.frames and not cause.frames):
        return False
    name = outer.type.rpartition("\\")[2].rpartition(".")[2]
    if name in WRAPPERS or outer.value.startswith(_WRAPPING_TEXTS):
        return True
    said = {cause.value, f"{cause.type}: {cause.value}", f"{cause.module}.{cause.type}: {cause.value}"}
    if outer.type == cause.type:  # thrown again in another thread
        return outer.value in {"", *said}
    return name in _PLAIN_TYPES and bool(cause.value) and outer.value in said


# --- exception groups ---

_Children = dict[int, list[ExceptionValue]]


def _tree(exceptions: Sequence[ExceptionValue]) -> tuple[ExceptionValue, _Children] | None:
    """The root and the children by parent id; None if ids are missing or repeated, or not all hang from one root."""
    by_id: dict[int, ExceptionValue] = {}
    children: _Children = {}
    roots = []
    for exception in exceptions:
        mechanism = exception.mechanism
        if mechanism is None or mechanism.exception_id is None or mechanism.exception_id in by_id:
            return None
        by_id[mechanism.exception_id] = exception
        if mechanism.parent_id is None:
            roots.append(exception)
        else:
            children.setdefault(mechanism.parent_id, []).append(exception)
    if len(roots) != 1:
        return None
    for siblings in children.values():
        siblings.sort(key=_id)
    # With one root and one parent each, whoever cannot be reached from the root sits in a cycle or under nobody.
    return (roots[0], children) if len(_reachable(roots[0], children)) == len(by_id) else None


def _id(exception: ExceptionValue) -> int:
    return exception.mechanism.exception_id or 0 if exception.mechanism else 0


def _reachable(root: ExceptionValue, children: _Children) -> list[ExceptionValue]:
    found = [root]
    for exception in found:
        found.extend(children.get(_id(exception), ()))
    return found


def _members(root: ExceptionValue, children: _Children) -> list[ExceptionValue]:
    """The first exceptions on every way down from the root that are no groups; an empty group stands for itself."""
    found, waiting = [], [root]
    for exception in waiting:
        inside = children.get(_id(exception), []) if _is_group(exception) else []
        # `__cause__` and `__context__` of a group are what led to it, not what is in it.
        inside = [e for e in inside if e.mechanism and "[" in e.mechanism.source] or inside
        if inside:
            waiting.extend(inside)
        else:
            found.append(exception)
    return found


def _is_group(exception: ExceptionValue) -> bool:
    return exception.mechanism is not None and exception.mechanism.is_exception_group


def _causes(exception: ExceptionValue, children: _Children) -> list[ExceptionValue]:
    """The exception and its causes, following the first child each time."""
    found = [exception]
    while below := children.get(_id(found[-1])):
        found.append(below[0])
    return found
