"""Links and sessions: believed as long as they last, where they were given out, for what they were given out."""

from __future__ import annotations

import multiprocessing
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dubkit.errors import BadInput, OutOfSpace
from dubkit.service.access import signing
from dubkit.service.access.signing import BadLink, DirectUpload, FileLink, Signer, kept_secret
from dubkit.service.config import Config

SECRET = "a long secret of the operator's own"


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(Config.at(tmp_path, secret=SECRET))


def file() -> FileLink:
    return FileLink("7", "dubs/7/1/video.mp4", "a.mp4", "video/mp4", signing.time.time() + 60)


def test_a_link_says_all_about_its_file(signer: Signer) -> None:
    link = replace(file(), name="Olá.pt.mp4")
    token = signer.sign_file(link)
    assert signer.open_file(token) == link
    assert signer.sign_file(link) == token
    assert re.fullmatch(r"[A-Za-z0-9._-]+", token), "it goes into an address as it is"
    assert SECRET not in token


def test_a_session_says_whose_it_is(signer: Signer) -> None:
    assert signer.open_session(signer.sign_session("anna")) == "anna"


def test_links_and_sessions_end(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    link, session = signer.sign_file(file()), signer.sign_session("anna", 60)
    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 59)
    signer.open_file(link)
    signer.open_session(session)
    monkeypatch.setattr(signing.time, "time", lambda: now + 61)
    with pytest.raises(BadLink, match=r"This link has ended\. Ask for a new one") as told:
        signer.open_file(link)
    assert told.value.reason == "expired"
    with pytest.raises(BadLink, match=r"This session has ended\. Sign in again") as told:
        signer.open_session(session)
    assert told.value.reason == "expired"


def test_an_upload_past_this_server_is_told_by_its_id(signer: Signer) -> None:
    upload = DirectUpload("anna", "arriving/1/film.mp4", "Olá.mp4", 1000, signing.time.time() + 60)
    assert signer.open_upload(signer.sign_upload(upload)) == upload
    with pytest.raises(BadLink, match=r"This upload has ended\. Begin again"):
        signer.open_upload(signer.sign_upload(replace(upload, until=1.0)))
    with pytest.raises(BadLink, match="This upload is not valid"):
        signer.open_upload(signer.sign_file(file()))


def test_what_is_signed_for_one_purpose_is_worth_nothing_for_another(signer: Signer) -> None:
    with pytest.raises(BadLink, match="This link is not valid") as told:
        signer.open_file(signer.sign_session("anna"))
    assert told.value.reason == "wrong"
    with pytest.raises(BadLink, match="This session is not valid"):
        signer.open_session(signer.sign_file(file()))


def test_another_secret_is_not_believed(signer: Signer, tmp_path: Path) -> None:
    with pytest.raises(BadLink):
        signer.open_session(Signer(Config.at(tmp_path, secret=SECRET + "!")).sign_session("anna"))
    assert signer.open_session(Signer(Config.at(tmp_path / "other", secret=SECRET)).sign_session("anna")) == "anna"


@pytest.fixture
def token(signer: Signer) -> str:
    return signer.sign_session("anna")


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_no_other_text_is_believed(signer: Signer, token: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCabc019._-=~%\0é"))
    kind = data.draw(st.sampled_from(["change", "add", "leave out", "cut"]))
    changed = {
        "change": token[:place] + other + token[place + 1 :],
        "add": token[:place] + other + token[place:],
        "leave out": token[:place] + token[place + 1 :],
        "cut": token[:place],
    }[kind]
    if changed != token:
        with pytest.raises(BadLink):
            signer.open_session(changed)


def test_every_last_letter_but_the_right_one_is_wrong(signer: Signer, token: str) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for letter in letters.replace(token[-1], ""):
        with pytest.raises(BadLink):
            signer.open_session(token[:-1] + letter)


@given(st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_refused_and_not_stumbled_over(signer: Signer, text: str) -> None:
    with pytest.raises(BadLink):
        signer.open_file(text)


def test_the_secret_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(kept_secret, [home] * 50))
    with multiprocessing.get_context("spawn").Pool(2) as processes:
        secrets |= set(processes.map(kept_secret, [home] * 4))
    assert len(secrets) == 1
    assert [path.name for path in home.iterdir()] == ["secret"]
    assert (home / "secret").stat().st_mode & 0o777 == 0o600
    assert len(secrets.pop()) == 64
    one, other = Signer(Config.at(home)), Signer(Config.at(home))
    assert other.open_session(one.sign_session("anna")) == "anna"


def test_processes_that_start_at_once_get_the_same_secret(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(8) as processes:
        made = processes.map(kept_secret, [tmp_path / str(n // 8) for n in range(160)], chunksize=1)
    assert [len(set(made[n : n + 8])) for n in range(0, 160, 8)] == [1] * 20
    assert len(set(made)) == 20


def test_a_secret_that_cannot_be_kept_or_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutOfSpace, match="cannot be written"):
        kept_secret(tmp_path / "file")
    (tmp_path / "secret").write_text("short")
    with pytest.raises(BadInput, match="holds no secret of 32 characters or more: remove it") as told:
        kept_secret(tmp_path)
    assert "short" not in str(told.value)
