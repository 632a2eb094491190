"""Both storages by one set of tests; S3 against a real server on this machine."""

import errno
import os
import sys
import urllib.request
from pathlib import Path

import pytest

from dubkit.errors import BadInput, DubkitError, MissingModel, OutOfSpace, judged
from dubkit.service.folder import Folder
from dubkit.service.s3 import PART, S3
from dubkit.service.storage import NoSuchFile, Storage, StorageAway, UploadLink, checked_name, locate, storage


@pytest.fixture(params=["folder", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return storage(str(tmp_path / "store"))
    request.getfixturevalue("aws")
    return storage("s3://films/of/anna/")


def file(path: Path, content: bytes = b"film") -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["a.mp4", "deep/er/a.mp4", "with space & 'ção'?#%.mp4", "-leading"])
def test_what_goes_in_comes_out(kept: Storage, tmp_path: Path, name: str) -> None:
    content = os.urandom(1000)
    assert not kept.exists(name)
    url = kept.upload(file(tmp_path / "in", content), name)
    assert url.startswith(("file:///", "s3://films/of/anna/"))
    assert kept.exists(name)
    out = kept.download(name, tmp_path / "new" / "folder" / "out")
    assert out.read_bytes() == content
    assert [p.name for p in out.parent.iterdir()] == ["out"], "nothing half written is left"
    with urllib.request.urlopen(kept.link(name, 60)) as answer:
        assert answer.read() == content


def test_a_second_upload_takes_the_place_of_the_first(kept: Storage, tmp_path: Path) -> None:
    kept.upload(file(tmp_path / "in", b"one"), "twice")
    kept.upload(file(tmp_path / "in", b"two"), "twice")
    assert kept.download("twice", file(tmp_path / "out", b"old")).read_bytes() == b"two"


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../up", "a/../../up", "a/..", "./a", "a//b", "a/", "nul\0", "x" * 256, "a/" + "é" * 128],
)
def test_names_cannot_leave_the_storage(kept: Storage, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="is no name for a file"):
        kept.upload(file(tmp_path / "in"), name)
    with pytest.raises(BadInput, match="is no name for a file"):
        kept.download(name, tmp_path / "out")
    with pytest.raises(BadInput, match="is no name for a file"):
        kept.exists(name)
    with pytest.raises(BadInput, match="is no name for a file"):
        checked_name(name)
    assert {p.name for p in tmp_path.iterdir()} <= {"in", "store"}


def test_what_is_not_there_is_said(kept: Storage, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"There is no .*nothing\.mp4"):
        kept.download("nothing.mp4", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not kept.exists("nothing.mp4")


def test_what_is_kept_stays_where_it_was_too(kept: Storage, tmp_path: Path) -> None:
    coming = file(tmp_path / "in", b"film")
    os.utime(coming, (1e9, 1e9))
    kept.keep(coming, "films/7/film")
    assert coming.read_bytes() == b"film"
    if isinstance(kept, Folder):
        assert (kept.root / "films/7/film").samefile(coming), "nothing is copied"
    (stored,) = kept.names("films")
    assert stored.modified > 1.7e9, "a film that took a day to come in is not old"
    coming.unlink()
    assert kept.download("films/7/film", tmp_path / "out").read_bytes() == b"film"
    with pytest.raises(NoSuchFile, match="There is no file 'in' any more"):
        kept.keep(coming, "films/8/film")


def test_a_disk_that_gives_no_second_names_has_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", link)
    kept = Folder(tmp_path / "store")
    kept.keep(file(tmp_path / "in", b"film"), "films/7/film")
    assert (tmp_path / "store" / "films/7/film").read_bytes() == b"film"


def test_a_file_is_read_in_place_or_from_a_copy(kept: Storage, tmp_path: Path) -> None:
    kept.upload(file(tmp_path / "in", b"film"), "films/7/film.mp4")
    with kept.local("films/7/film.mp4") as path:
        assert (path.name, path.read_bytes()) == ("film.mp4", b"film")
    assert path.exists() == isinstance(kept, Folder), "a copy is gone afterwards"
    with pytest.raises(NoSuchFile), kept.local("films/8/film.mp4"):
        pass


def test_files_are_listed_and_removed_by_folder(kept: Storage, tmp_path: Path) -> None:
    for name in ("dubs/7/a", "dubs/7/b/c", "dubs/77/a", "films/x", "plain"):
        kept.upload(file(tmp_path / "in", name.encode()), name)
    assert kept.size("dubs/7/b/c") == 10
    assert kept.size("dubs/7/b") is kept.size("dubs/7") is None, "a folder is no file"
    assert sorted(f.name for f in kept.names("dubs/7/")) == ["dubs/7/a", "dubs/7/b/c"]
    assert {f.name: f.n_bytes for f in kept.names()}["dubs/77/a"] == 9
    assert list(kept.names("nothing")) == []
    kept.delete("dubs/7/a")
    kept.delete("dubs/7/a")
    assert kept.delete_all("dubs/7") == 1
    assert kept.delete_all("dubs/7") == 0
    assert sorted(f.name for f in kept.names()) == ["dubs/77/a", "films/x", "plain"]
    for prefix in ("", "/", "..", "dubs/.."):
        with pytest.raises(BadInput, match="is no name for a file"):
            kept.delete_all(prefix)


def test_no_empty_folders_are_left(tmp_path: Path) -> None:
    kept = Folder(tmp_path / "store")
    kept.upload(file(tmp_path / "in"), "dubs/7/1/film.mp4")
    kept.delete("dubs/7/1/film.mp4")
    assert [p.name for p in (tmp_path / "store").rglob("*")] == ["dubs"], "which somebody may be writing into"


def test_what_a_killed_process_left_half_is_listed_for_removal(tmp_path: Path) -> None:
    kept = Folder(tmp_path)
    file_half = tmp_path / "dubs" / "7" / ".part-x" / "part"
    file_half.parent.mkdir(parents=True)
    file(file_half)
    assert [f.name for f in kept.names("dubs")] == ["dubs/7/.part-x/part"]
    kept.delete("dubs/7/.part-x/part")
    assert not (tmp_path / "dubs" / "7").exists()


def test_that_a_storage_works_is_checked_and_leaves_nothing(kept: Storage) -> None:
    kept.check()
    assert list(kept.names()) == []


def test_a_storage_that_does_not_work_is_told(aws: str, tmp_path: Path) -> None:
    with pytest.raises(OutOfSpace, match="cannot be written"):
        storage(str(file(tmp_path / "file"))).check()
    with pytest.raises(BadInput, match="There is no bucket 'elsewhere'"):
        storage("s3://elsewhere").check()
    with pytest.raises(StorageAway, match="could not be reached"):
        S3("films", endpoint="http://127.0.0.1:9").check()


def test_a_link_in_a_folder_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    file(tmp_path / "secret")
    (tmp_path / "store" / "way").symlink_to(tmp_path)
    for attempt in (lambda f: f.exists("way/secret"), lambda f: f.upload(tmp_path / "secret", "way/new")):
        with pytest.raises(BadInput, match="lies outside"):
            attempt(Folder(tmp_path / "store"))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    file(tmp_path / "store")
    with pytest.raises(OutOfSpace, match="cannot be written: "):
        Folder(tmp_path / "store").upload(tmp_path / "store", "a")


def test_big_files_go_in_parts(aws: str, tmp_path: Path) -> None:
    content = os.urandom(2 * PART + 5)
    films = S3("films", endpoint=aws)
    films.upload(file(tmp_path / "in", content), "big.mp4")
    head = films._client.head_object(Bucket="films", Key="big.mp4")
    assert head["ETag"].strip('"').endswith("-3"), "three parts"
    assert head["ContentType"] == "video/mp4"
    assert films.download("big.mp4", tmp_path / "out").read_bytes() == content


@pytest.mark.parametrize(("encryption", "key"), [("AES256", None), ("aws:kms", "a-key")])
def test_encryption_on_the_server_is_asked_for(aws: str, tmp_path: Path, encryption: str, key: str | None) -> None:
    films = storage("s3://films", encryption=encryption, kms_key=key)
    films.upload(file(tmp_path / "in"), "secret.mp4")
    assert isinstance(films, S3)
    head = films._client.head_object(Bucket="films", Key="secret.mp4")
    assert head["ServerSideEncryption"] == encryption
    assert key is None or key in head["SSEKMSKeyId"]
    with pytest.raises(BadInput, match="not one of AES256 and aws:kms"):
        storage("s3://films", encryption="rot13")


def test_a_link_is_signed_for_one_file_and_ends(aws: str) -> None:
    link = storage("s3://films/of").link("anna.mp4", 600)
    assert link.startswith(f"{aws}/films/of/anna.mp4?")
    assert "X-Amz-Expires=600" in link
    assert "X-Amz-Signature=" in link
    assert "a-secret" not in link
    for seconds in (0, 8 * 24 * 3600):
        with pytest.raises(BadInput, match=rf"A link cannot last {seconds} s: S3 allows 1 to 604800"):
            storage("s3://films").link("a", seconds)


def test_a_link_says_how_a_file_is_saved_and_served(aws: str, tmp_path: Path) -> None:
    films = storage("s3://films")
    films.upload(file(tmp_path / "in"), "a")
    with urllib.request.urlopen(films.link("a", 60, file_name='so "é".mp4', media_type="video/mp4")) as answer:
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''so%20%22%C3%A9%22.mp4"
        assert answer.headers["Content-Type"] == "video/mp4"


def test_a_url_may_ask_for_encryption(aws: str, tmp_path: Path) -> None:
    films = storage("s3://films/of?encryption=aws:kms&kms_key=arn:aws:kms:eu-west-1:1:key/7")
    assert isinstance(films, S3)
    assert (films.bucket, films.prefix) == ("films", "of")
    films.upload(file(tmp_path / "in"), "a.mp4")
    head = films._client.head_object(Bucket="films", Key="of/a.mp4")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "arn:aws:kms:eu-west-1:1:key/7")
    link = films.upload_link("b.mp4", 4, 60)
    put(link, b"film")
    head = films._client.head_object(Bucket="films", Key="of/b.mp4")
    assert (head["ServerSideEncryption"], head["ContentType"]) == ("aws:kms", "video/mp4")
    with pytest.raises(BadInput, match="has no option colour; it may have encryption, kms_key"):
        storage("s3://films?colour=blue")


def put(link: UploadLink, content: bytes) -> int:
    request = urllib.request.Request(link.url, content, dict(link.headers), method=link.method)
    with urllib.request.urlopen(request) as answer:
        return int(answer.status)


def test_the_bucket_removes_old_files_itself_and_keeps_the_rules_of_others(aws: str) -> None:
    films = S3("films", "of")
    other = {"ID": "other", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 1}}
    rules = {"Rules": [other]}
    films._client.put_bucket_lifecycle_configuration(Bucket="films", LifecycleConfiguration=rules)
    films.expire({"films": 7, "dubs": 30})
    films.expire({"films": 9, "dubs": 0})
    S3("films").expire({"films": 3})
    found = films._client.get_bucket_lifecycle_configuration(Bucket="films")["Rules"]
    ends = {rule["Filter"]["Prefix"]: rule["Expiration"]["Days"] for rule in found if "Expiration" in rule}
    assert ends == {"logs/": 1, "of/films/": 9, "films/": 3}
    parts = [rule for rule in found if "AbortIncompleteMultipartUpload" in rule]
    assert {rule["Filter"]["Prefix"] for rule in parts} == {"", "of/"}
    films._client.delete_bucket_lifecycle(Bucket="films")
    Folder(Path("/nowhere")).expire({"films": 1})


def test_trouble_with_s3_is_told(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="There is no bucket 'elsewhere'"):
        storage("s3://elsewhere").upload(file(tmp_path / "in"), "a")
    with pytest.raises(DubkitError, match="S3 could not be reached for s3://films/a"):
        S3("films", endpoint="http://127.0.0.1:9").exists("a")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(BadInput, match=r"no credentials for s3://films/a. Set AWS_ACCESS_KEY_ID"):
        storage("s3://films").exists("a")


def test_refused_access_is_told(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    films = S3("films")

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")

    monkeypatch.setattr(films._client, "head_object", refuse)
    with pytest.raises(BadInput, match=r"Access to s3://films/a was refused \(403\)\. Check the credentials") as caught:
        films.exists("a")
    # For a worker it is nothing that the film's owner could mend: it is tried again.
    assert judged(caught.value)[2] is False


def test_without_boto3_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(MissingModel, match=r"pip install 'dubkit\[service\]'"):
        storage("s3://films").upload(file(tmp_path / "in"), "a")


@pytest.mark.parametrize(
    ("url", "root", "name"),
    [
        ("/data/in.mp4", "/data", "in.mp4"),
        ("in.mp4", ".", "in.mp4"),
        ("/in.mp4", "/", "in.mp4"),
        ("file:///data/a%20b.mp4", "/data", "a b.mp4"),
        ("file:///in.mp4", "/", "in.mp4"),
    ],
)
def test_a_path_is_a_folder_and_a_name(url: str, root: str, name: str) -> None:
    home, found = locate(url)
    assert isinstance(home, Folder)
    assert (home.root, found) == (Path(root), name)


def test_an_s3_url_is_a_bucket_a_prefix_and_a_name() -> None:
    home, name = locate("s3://films/of/anna/holi?day#1.mp4", encryption="AES256")
    assert isinstance(home, S3)
    assert (home.bucket, home.prefix, name) == ("films", "of/anna", "holi?day#1.mp4")
    home, name = locate("s3://films/a.mp4")
    assert isinstance(home, S3)
    assert (home.bucket, home.prefix, name) == ("films", "", "a.mp4")


@pytest.mark.parametrize("url", ["s3://films/", "s3://films", "s3://", "", "/", "a/..", "file://", "/data/"])
def test_a_url_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="names no file"):
        locate(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host/films", "its scheme must be one of file://, s3://"),
        ("s3:///films", "is no bucket's name"),
        ("s3://UPPER/x", "is no bucket's name"),
        ("s3://films/../other", "is no name for a file"),
        ("file://host/films", "three slashes"),
        ("", "names no folder"),
    ],
)
def test_what_is_no_storage_is_refused(url: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        storage(url)
