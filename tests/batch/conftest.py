"""A bucket on this machine, for batches that read from one and write to one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, s3_server: str, tmp_path: Path) -> Any:
    """A client of the local server, which has an empty bucket ``films``; nothing of the machine's own is in sight."""
    import boto3
    from papermill.s3 import S3

    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    settings = {
        "AWS_CONFIG_FILE": str(tmp_path / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
        "AWS_ENDPOINT_URL_S3": s3_server,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    # Papermill keeps the first session that it has made.
    monkeypatch.setattr(S3, "s3_session", (None, None, None))
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="films")
    for found in client.list_objects_v2(Bucket="films").get("Contents", []):
        client.delete_object(Bucket="films", Key=found["Key"])
    return client
