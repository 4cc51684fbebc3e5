from __future__ import annotations

from bugwatch.domain.artifact_url import MAX_LENGTH, beside, names_of


def test_a_file_is_looked_for_as_it_is_spelled_and_without_its_host() -> None:
    for path, names in {
        "https://a.example/js/app.js": ("https://a.example/js/app.js", "~/js/app.js"),
        "https://a.example:8443/js/app.js?v=1#x": ("https://a.example:8443/js/app.js", "~/js/app.js"),
        "~/js/app.js": ("~/js/app.js",),
        "app:///main.js": ("app:///main.js", "~/main.js"),
        "/srv/app/main.js": ("/srv/app/main.js", "~/srv/app/main.js"),
        "C:\\app\\main.js": ("C:\\app\\main.js", "~/C:/app/main.js"),
        "https://a.example/%5Bid%5D.js": (
            "https://a.example/%5Bid%5D.js",
            "~/%5Bid%5D.js",
            "https://a.example/[id].js",
            "~/[id].js",
        ),
        "http://[": ("http://[",),
        "": (),
        "?v=1": (),
        "data:text/javascript,x": (),
    }.items():
        assert names_of(path) == names, path
    assert max(map(len, names_of("/" + "x" * 100_000))) <= MAX_LENGTH + 2


def test_a_reference_leads_from_where_it_stands() -> None:
    for url, reference, found in (
        ("~/js/app.js", "app.js.map", "~/js/app.js.map"),
        ("~/js/app.js", "../maps/app.js.map", "~/maps/app.js.map"),
        ("~/js/app.js", "/maps/app.js.map", "~/maps/app.js.map"),
        ("~/js/app.js", "../../../app.js.map", "~/app.js.map"),
        ("~/js/app.js", "https://b.example/app.js.map", "https://b.example/app.js.map"),
        ("https://a.example/js/app.js", "app.js.map", "https://a.example/js/app.js.map"),
        ("app.js", "app.js.map", "app.js.map"),
        ("https://a.example/", "http://[", "http://["),
    ):
        assert beside(url, reference) == found, (url, reference)
