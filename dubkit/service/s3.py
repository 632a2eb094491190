"""Storage in a bucket with S3's interface, through boto3."""

from __future__ import annotations

import contextlib
import functools
import mimetypes
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dubkit.errors import BadInput, DubkitError, MissingModel
from dubkit.service.storage import checked_name, disk, whole

PART = 8 << 20
"""Bytes moved at a time; four parts are under way at once."""
LONGEST_LINK = 7 * 24 * 3600
"""Seconds that S3 lets a signed link live."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class S3:
    """Storage in a bucket, on AWS or any server with S3's interface.

    Credentials, region and endpoint are taken where every AWS tool takes them (``AWS_ACCESS_KEY_ID``, ``AWS_PROFILE``,
    ``AWS_ENDPOINT_URL_S3``, an instance's role, ...).

    Parameters
    ----------
    bucket, prefix : str
        Names lie under ``prefix/`` in the bucket.
    endpoint : str or None
        URL of the server; None takes the environment's, else AWS.
    encryption : str or None
        Server-side encryption: ``AES256`` or ``aws:kms``; None leaves it to the bucket's own rule.
    kms_key : str or None
        Id of the key for ``aws:kms``; None takes the account's.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        endpoint: str | None = None,
        encryption: str | None = None,
        kms_key: str | None = None,
    ) -> None:
        if not _BUCKET.fullmatch(bucket):
            raise BadInput(
                f"{bucket!r} is no bucket's name: 3 to 63 of a-z, 0-9, dot and dash, as in s3://my-films/dubs."
            )
        if encryption not in (None, "AES256", "aws:kms"):
            raise BadInput(f"The encryption {encryption!r} is not one of AES256 and aws:kms.")
        self.bucket = bucket
        self.prefix = checked_name(prefix) if prefix.strip("/") else ""
        self.endpoint = endpoint
        self._extra = {"ServerSideEncryption": encryption} if encryption else {}
        if kms_key:
            self._extra["SSEKMSKeyId"] = kms_key

    @classmethod
    def from_url(cls, url: str, **options: Any) -> S3:
        """From ``s3://bucket/prefix``."""
        bucket, _, prefix = url.partition("://")[2].partition("/")
        return cls(bucket, prefix.rstrip("/"), **options)

    def upload(self, path: Path, name: str) -> str:
        """See :class:`Storage`."""
        key = self._key(name)
        extra = {**self._extra, "ContentType": mimetypes.guess_type(name)[0] or "application/octet-stream"}
        with self._told(name), path.open("rb") as stream:
            self._client.upload_fileobj(stream, self.bucket, key, ExtraArgs=extra, Config=self._transfer)
        return f"s3://{self.bucket}/{key}"

    def download(self, name: str, path: Path) -> Path:
        """See :class:`Storage`."""
        key = self._key(name)
        with disk(path), self._told(name), whole(path) as part:
            self._client.download_file(self.bucket, key, str(part), Config=self._transfer)
        return path

    def exists(self, name: str) -> bool:
        """See :class:`Storage`."""
        from botocore.exceptions import ClientError

        key = self._key(name)
        with self._told(name):
            try:
                self._client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                # The answer to HEAD has no body: this is all it says, also where the bucket is missing.
                if error.response["Error"]["Code"] == "404":
                    return False
                raise
        return True

    def link(self, name: str, seconds: int = 3600) -> str:
        """A signed URL that reads the file, and nothing else, until it ends."""
        if not 1 <= seconds <= LONGEST_LINK:
            raise BadInput(f"A link cannot last {seconds} s: S3 allows 1 to {LONGEST_LINK}.")
        what = {"Bucket": self.bucket, "Key": self._key(name)}
        with self._told(name):
            return str(self._client.generate_presigned_url("get_object", Params=what, ExpiresIn=seconds))

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{checked_name(name)}" if self.prefix else checked_name(name)

    @functools.cached_property
    def _client(self) -> Any:
        boto3 = _boto3()
        from botocore.config import Config

        session = boto3.session.Session()
        other = self.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        config = Config(
            signature_version="s3v4",
            # Servers other than AWS seldom have a host name for each bucket.
            s3={"addressing_style": "path" if other else "auto"},
            retries={"max_attempts": 4, "mode": "standard"},
            connect_timeout=10,
        )
        region = session.region_name or "us-east-1"
        return session.client("s3", endpoint_url=self.endpoint, region_name=region, config=config)

    @functools.cached_property
    def _transfer(self) -> Any:
        _boto3()
        from boto3.s3.transfer import TransferConfig

        return TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)

    @contextlib.contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Turn what boto3 raises into errors that say what to do."""
        _boto3()
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

        what = f"s3://{self.bucket}/{self._key(name)}"
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("404", "NoSuchKey"):
                raise BadInput(f"There is no {what}.") from error
            if code == "NoSuchBucket":
                raise BadInput(
                    f"There is no bucket {self.bucket!r}. Check the name, the region and AWS_ENDPOINT_URL."
                ) from error
            if code in ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"):
                raise BadInput(
                    f"Access to {what} was refused ({code}). Check the credentials (aws sts get-caller-identity) and that "
                    "they may read, or write, in this bucket."
                ) from error
            raise DubkitError(f"S3 answered {code} for {what}: {error.response['Error'].get('Message', '')}") from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise BadInput(
                f"There are no credentials for {what}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
            ) from error
        except BotoCoreError as error:
            raise DubkitError(f"S3 could not be reached for {what}: {error}") from error


def _boto3() -> Any:
    try:
        import boto3
    except ImportError as error:
        raise MissingModel(
            "S3 storage needs the Python package 'boto3'. Install it with: pip install 'dubkit[service]'"
        ) from error
    return boto3
