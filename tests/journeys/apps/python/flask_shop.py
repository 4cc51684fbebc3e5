"""A Flask app with a view that breaks."""

from __future__ import annotations

from flask import Flask

application = Flask("flask_shop")


def price(prices: dict[str, float], name: str) -> float:
    return prices[name]


@application.route("/product/<name>")
def product(name: str) -> str:
    return str(price({}, name))


@application.errorhandler(404)
def closed(error: Exception) -> str:
    raise PermissionError("The shop is closed.")
