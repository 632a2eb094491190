"""Storage in a bucket with S3's interface, through boto3."""

from __future__ import annotations

import contextlib
import functools
import mimetypes
import os
import re
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

from dubkit.errors import BadInput, DubkitError, MissingModel, listed
from dubkit.service.storage import (
    NoSuchFile,
    StorageAway,
    StorageRefused,
    Stored,
    UploadLink,
    checked_name,
    disk,
    whole,
)

PART = 8 << 20
"""Bytes moved at a time; four parts are under way at once."""
LONGEST_LINK = 7 * 24 * 3600
"""Seconds that S3 lets a signed link live."""
BRISK = {"retries": {"total_max_attempts": 3, "mode": "standard"}, "connect_timeout": 3, "read_timeout": 10}
"""For requests that somebody waits for."""
PATIENT = {"retries": {"total_max_attempts": 8, "mode": "legacy"}, "connect_timeout": 10}
"""For those that carry a film, which outlast a restart of the server: for a minute or so. The newer mode of boto3 shares one
small budget of attempts among all parts of a film, and ends within seconds."""
REFUSED = ("403", "AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "RequestTimeTooSkewed", "SignatureDoesNotMatch")
ABANDONED_DAYS = 2
"""Parts of uploads that nobody finished are removed after so many days."""
OPTIONS = ("encryption", "kms_key")
"""What may stand behind the question mark of a URL."""
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
        """From ``s3://bucket/prefix``, with ``?encryption=...&kms_key=...`` where they are wanted."""
        place, _, asked = url.partition("://")[2].partition("?")
        bucket, _, prefix = place.partition("/")
        said = dict(parse_qsl(asked, keep_blank_values=True))
        if unknown := said.keys() - set(OPTIONS):
            raise BadInput(f"A storage's URL has no option {listed(list(unknown))}; it may have {listed(OPTIONS)}.")
        return cls(bucket, prefix.rstrip("/"), **{**said, **options})

    def upload(self, path: Path, name: str) -> str:
        """See :class:`dubkit.service.storage.Storage`."""
        key = self._key(name)
        with self._told(name), path.open("rb") as stream:
            extra = {**self._extra, "ContentType": _media_type(name)}
            self._mover.upload_fileobj(stream, self.bucket, key, ExtraArgs=extra, Config=self._transfer)
        return f"s3://{self.bucket}/{key}"

    def keep(self, path: Path, name: str) -> str:
        """See :class:`dubkit.service.storage.Storage`."""
        try:
            return self.upload(path, name)
        except FileNotFoundError:
            raise NoSuchFile(f"There is no file {path.name!r} any more.") from None

    def download(self, name: str, path: Path) -> Path:
        """See :class:`dubkit.service.storage.Storage`."""
        key = self._key(name)
        with disk(path), self._told(name), whole(path) as part:
            self._mover.download_file(self.bucket, key, str(part), Config=self._transfer)
        return path

    @contextlib.contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """A copy that is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="dubkit-") as folder:
            yield self.download(name, Path(folder) / Path(name).name)

    def exists(self, name: str) -> bool:
        """See :class:`dubkit.service.storage.Storage`."""
        return self.size(name) is not None

    def size(self, name: str) -> int | None:
        """See :class:`dubkit.service.storage.Storage`."""
        key = self._key(name)
        try:
            with self._told(name):
                return int(self._client.head_object(Bucket=self.bucket, Key=key)["ContentLength"])
        except NoSuchFile:
            # The answer to HEAD has no body: it says no more than that, also where the bucket is missing.
            return None

    def names(self, prefix: str = "") -> Iterator[Stored]:
        """See :class:`dubkit.service.storage.Storage`."""
        inside = f"{self.prefix}/" if self.prefix else ""
        prefix = prefix.rstrip("/")
        under = f"{self._key(prefix)}/" if prefix else inside
        with self._told(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=under)
            for page in pages:
                for found in page.get("Contents", ()):
                    name = found["Key"].removeprefix(inside)
                    yield Stored(name, int(found["Size"]), found["LastModified"].timestamp())

    def delete(self, name: str) -> None:
        """See :class:`dubkit.service.storage.Storage`."""
        key = self._key(name)
        with self._told(name):
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def delete_all(self, prefix: str) -> int:
        """See :class:`dubkit.service.storage.Storage`."""
        names = [stored.name for stored in self.names(checked_name(prefix.rstrip("/")))]
        for name in names:
            self.delete(name)
        return len(names)

    def link(self, name: str, seconds: int = 3600, *, file_name: str = "", media_type: str = "") -> str:
        """A signed URL that reads the file, and nothing else, until it ends."""
        what = {"Bucket": self.bucket, "Key": self._key(name)}
        if file_name:
            what["ResponseContentDisposition"] = f"attachment; filename*=UTF-8''{quote(file_name, safe='')}"
        if media_type:
            what["ResponseContentType"] = media_type
        return self._signed("get_object", what, name, seconds)

    def upload_link(self, name: str, n_bytes: int, seconds: int = 3600) -> UploadLink:
        """A signed PUT: its size is part of the signature, so that nothing smaller or larger is taken."""
        kind = _media_type(name)
        what = {
            "Bucket": self.bucket,
            "Key": self._key(name),
            "ContentLength": n_bytes,
            "ContentType": kind,
            **self._extra,
        }
        headers = {"Content-Type": kind, "Content-Length": str(n_bytes)}
        if self._extra:
            headers["x-amz-server-side-encryption"] = self._extra["ServerSideEncryption"]
        if key := self._extra.get("SSEKMSKeyId"):
            headers["x-amz-server-side-encryption-aws-kms-key-id"] = key
        return UploadLink("PUT", self._signed("put_object", what, name, seconds), headers)

    def check(self) -> None:
        """See :class:`dubkit.service.storage.Storage`."""
        name = f"checks/{uuid.uuid4().hex}"
        key = self._key(name)
        with self._told(name):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=b"written", **self._extra)
            try:
                self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            finally:
                self._client.delete_object(Bucket=self.bucket, Key=key)

    def expire(self, days: Mapping[str, int]) -> None:
        """See :class:`dubkit.service.storage.Storage`; rules of others in the bucket stay as they are."""
        from botocore.exceptions import ClientError

        inside = f"{self.prefix}/" if self.prefix else ""
        parts = {"ID": f"dubkit parts {inside}", "Status": "Enabled", "Filter": {"Prefix": inside}}
        rules = [{**parts, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": ABANDONED_DAYS}}]
        ours = {parts["ID"]}
        for prefix, after in days.items():
            under = f"{self._key(prefix.rstrip('/'))}/"
            ours.add(f"dubkit {under}")
            if after:
                rule = {"ID": f"dubkit {under}", "Status": "Enabled", "Filter": {"Prefix": under}}
                rules.append({**rule, "Expiration": {"Days": after}})
        with self._told(""):
            try:
                there = self._client.get_bucket_lifecycle_configuration(Bucket=self.bucket)["Rules"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
                    raise
                there = []
            rules += [rule for rule in there if rule.get("ID") not in ours]
            self._client.put_bucket_lifecycle_configuration(Bucket=self.bucket, LifecycleConfiguration={"Rules": rules})

    def _signed(self, operation: str, what: Mapping[str, Any], name: str, seconds: int) -> str:
        if not 1 <= seconds <= LONGEST_LINK:
            raise BadInput(f"A link cannot last {seconds} s: S3 allows 1 to {LONGEST_LINK}.")
        with self._told(name):
            return str(self._client.generate_presigned_url(operation, Params=what, ExpiresIn=seconds))

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{checked_name(name)}" if self.prefix else checked_name(name)

    @functools.cached_property
    def _client(self) -> Any:
        return self._made(BRISK)

    @functools.cached_property
    def _mover(self) -> Any:
        return self._made(PATIENT)

    def _made(self, manner: Mapping[str, Any]) -> Any:
        boto3 = _boto3()
        from botocore.config import Config

        session = boto3.session.Session()
        other = self.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        config = Config(
            signature_version="s3v4",
            # Servers other than AWS seldom have a host name for each bucket.
            s3={"addressing_style": "path" if other else "auto"},
            max_pool_connections=32,
            **manner,
        )
        region = session.region_name or "us-east-1"
        return session.client("s3", endpoint_url=self.endpoint, region_name=region, config=config)

    @functools.cached_property
    def _transfer(self) -> Any:
        from boto3.s3.transfer import TransferConfig

        return TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)

    @contextlib.contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Turn what boto3 raises into errors that say what to do."""
        _boto3()
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

        what = f"s3://{self.bucket}/{self._key(name) if name else self.prefix}"
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("404", "NoSuchKey"):
                raise NoSuchFile(f"There is no {what}.") from error
            if code == "NoSuchBucket":
                raise StorageRefused(
                    f"There is no bucket {self.bucket!r}. Check the name, the region and AWS_ENDPOINT_URL."
                ) from error
            if code in (
                "403",
                "AccessDenied",
                "InvalidAccessKeyId",
                "SignatureDoesNotMatch",
                "ExpiredToken",
                "RequestTimeTooSkewed",
            ):
                raise StorageRefused(
                    f"Access to {what} was refused ({code}). Check the credentials (aws sts get-caller-identity) and that "
                    "they may read, or write, in this bucket."
                ) from error
            kind = StorageAway if _is_passing(error.response) else DubkitError
            raise kind(f"S3 answered {code} for {what}: {error.response['Error'].get('Message', '')}") from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise StorageRefused(
                f"There are no credentials for {what}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
            ) from error
        except (BotoCoreError, Boto3Error) as error:
            raise StorageAway(f"S3 could not be reached for {what}: {error}") from error


def _is_passing(response: Mapping[str, Any]) -> bool:
    """Whether an error is one of the server's own, after which the same request may do."""
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500 or "SlowDown" in str(
        response["Error"]["Code"]
    )


def _media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _boto3() -> Any:
    try:
        import boto3
    except ImportError as error:
        raise MissingModel(
            "S3 storage needs the Python package 'boto3'. Install it with: pip install 'dubkit[service]'"
        ) from error
    return boto3
