"""Under which names a file that was uploaded may be found, given how a stack trace or another file spells it."""

from __future__ import annotations

from urllib.parse import unquote, urljoin, urlsplit

MAX_LENGTH = 2_048


def names_of(path: str) -> tuple[str, ...]:
    """What an upload may call the file at this path or URL: as it is, and with `~` for scheme and host.

    Without query and fragment, which caches and routers add: `https://a.b/app.js?v=1` is `~/app.js`.
    """
    path = path.partition("?")[0].partition("#")[0][:MAX_LENGTH]
    if not path or path.startswith("data:"):
        return ()
    if path.startswith("~"):
        names = [path]
    elif "://" in path:
        try:
            # `app:///main.js` is what some SDKs make of a file's path.
            names = [path, f"~{urlsplit(path).path}"]
        except ValueError:  # such as http://[
            names = [path]
    else:
        names = [path, f"~/{path.replace(chr(92), '/').lstrip('/')}"]
    names += [unquote(name) for name in names if "%" in name]
    return tuple(dict.fromkeys(names))


def beside(url: str, reference: str) -> str:
    """Where the `reference` in the file at `url` leads: `app.js.map` in `~/js/app.js` is `~/js/app.js.map`."""
    if url.startswith("~"):
        joined = beside(f"file://{url[1:]}", reference)
        return f"~{joined.removeprefix('file://')}" if joined.startswith("file:///") else joined
    try:
        return urljoin(url, reference)
    except ValueError:
        return reference
