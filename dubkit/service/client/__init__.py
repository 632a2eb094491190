"""A service used from Python, wherever it runs."""

from dubkit.service.client.client import Client

__all__ = ["Client"]
