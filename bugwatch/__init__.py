"""One file that watches your software."""

__version__ = "0.1.0"
