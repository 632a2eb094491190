"""The service's API over HTTP: requests under ``/api/v1``, described at ``/api/v1/openapi.json``."""

from dubkit.service.api.app import create_app

__all__ = ["create_app"]
