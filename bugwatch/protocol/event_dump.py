"""`Event` back into Sentry's schema: what `GET …/events/{event_id}` shows, and what `read` understands again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bugwatch.domain.clock import to_iso
from bugwatch.domain.event import Breadcrumb, Event, ExceptionValue, Mechanism, Note, Request, User
from bugwatch.domain.stacktrace import Frame, Thread
from bugwatch.domain.symbolication import Origin


def dump(event: Event, *, received_at: int) -> dict[str, Any]:
    """The event in Sentry's schema, normalized and ready for JSON. What is empty is left out.

    Exceptions come oldest cause first, frames crash last, tags as an object, instants in ISO 8601 (UTC).
    """
    return {
        "event_id": event.event_id,
        "type": event.type,
        "timestamp": to_iso(event.happened_at),
        "received": to_iso(received_at),
        "platform": event.platform,
        "level": event.level.value,
        "environment": event.environment,
        "tags": dict(event.tags),
        **_kept(
            logger=event.logger,
            transaction=event.transaction,
            culprit=event.culprit,
            server_name=event.server_name,
            release=event.release,
            dist=event.dist,
            message=event.message,
            logentry=_logentry(event),
            exception=_values(map(_exception, event.exceptions)),
            threads=_values(map(_thread, event.threads)),
            breadcrumbs=_values(map(_breadcrumb, event.breadcrumbs)),
            fingerprint=list(event.fingerprint),
            user=event.user and _user(event.user),
            request=event.request and _request(event.request),
            contexts=dict(event.contexts),
            extra=dict(event.extra),
            modules=dict(event.modules),
            sdk=_kept(name=event.sdk.name, version=event.sdk.version),
            csp=_kept(effective_directive=event.csp_directive, blocked_uri=event.csp_blocked),
            debug_meta=dict(event.debug_meta),
            errors=[_error(note) for note in event.notes],
        ),
    }


def _kept(**fields: Any) -> dict[str, Any]:
    """`fields` without the empty ones; 0 and False say something, and stay."""
    return {
        name: value
        for name, value in fields.items()
        if value is not None and value != "" and value != [] and value != {}
    }


def _values(items: Iterable[dict[str, Any]]) -> dict[str, Any]:
    values = list(items)
    return {"values": values} if values else {}


def _logentry(event: Event) -> dict[str, Any]:
    """Only where it says more than `message` does."""
    if not event.message_template and event.message_params is None:
        return {}
    template = event.message_template or event.message
    return _kept(message=template, formatted=event.message, params=event.message_params)


def _exception(item: ExceptionValue) -> dict[str, Any]:
    return _kept(
        type=item.type,
        value=item.value,
        module=item.module,
        thread_id=item.thread_id,
        mechanism=item.mechanism and _mechanism(item.mechanism),
        stacktrace=_stacktrace(item.frames),
    )


def _mechanism(mechanism: Mechanism) -> dict[str, Any]:
    return {
        "type": mechanism.type,
        **_kept(
            handled=mechanism.is_handled,
            synthetic=mechanism.is_synthetic or None,
            is_exception_group=mechanism.is_exception_group or None,
            exception_id=mechanism.exception_id,
            parent_id=mechanism.parent_id,
            source=mechanism.source,
            description=mechanism.description,
            help_link=mechanism.help_link,
            data=dict(mechanism.data),
            meta=dict(mechanism.meta),
        ),
    }


def _stacktrace(frames: tuple[Frame, ...]) -> dict[str, Any]:
    return {"frames": [_frame(frame) for frame in frames]} if frames else {}


def _frame(frame: Frame) -> dict[str, Any]:
    return {
        **frame.rest,
        **_kept(
            function=frame.function,
            raw_function=frame.raw_function,
            module=frame.module,
            package=frame.package,
            filename=frame.filename,
            abs_path=frame.abs_path,
            platform=frame.platform,
            lineno=frame.lineno,
            colno=frame.colno,
            in_app=frame.in_app,
            pre_context=list(frame.pre_context),
            post_context=list(frame.post_context),
            vars=dict(frame.vars),
        ),
        **({} if frame.context_line is None else {"context_line": frame.context_line}),
        **({} if frame.origin is None else {"symbolication": _origin(frame.origin)}),
    }


def _origin(origin: Origin) -> dict[str, Any]:
    """What source maps did to the frame: `status` as in domain/symbolication.py, `raw` the frame as it arrived."""
    return {
        "status": str(origin.verdict),
        **_kept(debug_id=origin.debug_id, release=origin.release, artifact=origin.artifact),
        **({} if origin.raw is None else {"raw": _frame(origin.raw)}),
    }


def _thread(thread: Thread) -> dict[str, Any]:
    return {
        "crashed": thread.is_crashed,
        "current": thread.is_current,
        **_kept(id=thread.id, name=thread.name, state=thread.state, stacktrace=_stacktrace(thread.frames)),
    }


def _breadcrumb(crumb: Breadcrumb) -> dict[str, Any]:
    return _kept(
        timestamp=None if crumb.timestamp is None else to_iso(crumb.timestamp),
        type=crumb.type,
        category=crumb.category,
        level=crumb.level,
        message=crumb.message,
        data=dict(crumb.data),
    )


def _user(user: User) -> dict[str, Any]:
    return _kept(
        id=user.id,
        email=user.email,
        username=user.username,
        name=user.name,
        ip_address=user.ip_address,
        data=dict(user.data),
    )


def _request(request: Request) -> dict[str, Any]:
    return _kept(
        url=request.url,
        method=request.method,
        query_string=_pairs(request.query_string),
        fragment=request.fragment,
        headers=_pairs(request.headers),
        cookies=_pairs(request.cookies),
        env=dict(request.env),
        data=request.data,
    )


def _pairs(pairs: tuple[tuple[str, str], ...]) -> list[list[str]]:
    return [list(pair) for pair in pairs]


def _error(note: Note) -> Mapping[str, Any]:
    return _kept(name=note.path, reason=note.reason, original_length=note.original_length)
