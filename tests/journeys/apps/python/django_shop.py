"""A Django project in one file: a view that breaks, and a middleware that does."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path


def price(prices: dict[str, float], name: str) -> float:
    return prices[name]


def product(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(price({}, name))


class Gate:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/closed":
            raise PermissionError("The shop is closed.")
        return self.get_response(request)


urlpatterns = [path("product/<str:name>", product)]

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={},
    MIDDLEWARE=["django_shop.Gate"],
    ROOT_URLCONF="django_shop",
    SECRET_KEY="not a secret",
)
application = get_wsgi_application()
