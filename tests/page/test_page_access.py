"""The page is for who is signed in, shows each their own films alone, and opens nothing of Gradio's that it does not need."""

from __future__ import annotations

import json

import gradio as gr
import pytest
from dubbed_films import dubbed
from films import make_film
from page_films import failed, opened, running
from starlette.testclient import TestClient

from dubkit.errors import BadInput
from dubkit.page import mounted
from dubkit.page.access import COOKIE, OPEN, Sessions, owner_of
from dubkit.page.samples import Sample
from dubkit.page.start import PART
from dubkit.service.access.signing import FileLink
from dubkit.service.api import create_app

HERE = "http://127.0.0.1"
OWN = {"Origin": HERE}


class Visited:
    """The page of a service that asks for keys, with films of two owners."""

    def __init__(self, home, **config):
        self.service = opened(home, **config)
        self.keys = {owner: self.service.keys.add(owner) for owner in ("ana", "ben")}
        self.jobs = {owner: running(self.service, owner=owner, name=f"{owner}.mp4").job for owner in ("ana", "ben")}
        sample = Sample("talk", "A talk", "Somebody talks.", "en", 2.0, make_film(home / "talk.mp4", seconds=2), "CC0")
        self.app = mounted(create_app(self.service), self.service, (sample,))

    def client(self, owner: str | None = None) -> TestClient:
        client = TestClient(self.app, HERE, follow_redirects=False)
        if owner:
            answer = client.post("/login", data={"key": self.keys[owner]}, headers=OWN)
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
        return client


@pytest.fixture(scope="module")
def visited(tmp_path_factory):
    made = Visited(tmp_path_factory.mktemp("visited"), require_key=True)
    yield made
    made.service.close()


@pytest.fixture(scope="module")
def unlocked(tmp_path_factory):
    made = Visited(tmp_path_factory.mktemp("unlocked"))
    yield made
    made.service.close()


def called(client: TestClient, name: str, *data: object, event: object = None):
    """What the handler of that name answers, as the page's script would hear it."""
    functions = client.get("/config").json()["dependencies"]
    number = next(one["id"] for one in functions if one["api_name"] == name)
    asked = {"fn_index": number, "data": list(data), "session_hash": "visit", "event_data": event}
    return client.post("/gradio_api/run/predict", json=asked, headers=OWN)


def test_nobody_gets_in_without_a_key(visited):
    client = visited.client()
    assert client.get("/").headers["location"] == "/login"
    assert client.get("/?job=abc").headers["location"] == "/login?job=abc"
    assert client.get("/?next=//elsewhere.example").headers["location"] == "/login"
    for path in ("/config", "/gradio_api/info", "/theme.css", "/gradio_api/heartbeat/x"):
        assert client.get(path).status_code == 401
    assert client.post("/gradio_api/run/predict", json={"data": []}, headers=OWN).status_code == 401
    assert client.post("/page/uploads", json={"name": "a.mp4", "size": 9}, headers=OWN).status_code == 401


def test_the_login_takes_keys_alone_and_says_so(visited):
    client = visited.client()
    for key in ("", "dk_wrong", "x" * 5000, f"{visited.keys['ana']}x"):
        answer = client.post("/login", data={"key": key}, headers=OWN)
        assert answer.status_code in (401, 413) and 'role="alert"' in answer.text
        assert COOKIE not in answer.cookies and (not key or key not in answer.text)
    answer = client.post("/login?job=abc", data={"key": visited.keys["ana"]}, headers=OWN)
    assert answer.headers["location"] == "/?job=abc"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and visited.keys["ana"].lower() not in cookie
    assert client.get("/").status_code == 200
    assert client.get("/login").headers["location"] == "/"
    assert client.post("/login", data={"key": "x"}, headers={"Origin": "https://elsewhere.example"}).status_code == 403


def test_a_session_ends_with_sign_out_and_with_its_key(visited, monkeypatch):
    monkeypatch.setattr("dubkit.page.access.REVOKED_WITHIN", 0.0)
    client = visited.client("ana")
    assert client.post("/logout", headers=OWN).headers["location"] == "/login"
    assert client.get("/").status_code == 303
    visited.keys["eve"] = visited.service.keys.add("eve")
    client = visited.client("eve")
    assert client.get("/").status_code == 200
    visited.service.keys.revoke(visited.keys["eve"])
    assert client.get("/").status_code == 303


def test_a_session_is_not_to_be_made_up(visited):
    sessions = Sessions(visited.service)
    token = sessions.begin(visited.keys["ana"])
    assert sessions.owner_of({COOKIE: token}) == "ana"
    file_token = visited.service.signer.sign_file(FileLink("job", "place", "name", "video/mp4", 9e9))
    for wrong in ("", "ana", token[:-2], token.upper(), file_token, visited.keys["ana"]):
        assert sessions.owner_of({COOKIE: wrong}) is None
    assert sessions.begin("dk_wrong") is None
    expired = visited.service.signer.sign_session(visited.keys["ana"].split("_")[1], -1)
    assert sessions.owner_of({COOKIE: expired}) is None


def test_a_session_opens_no_api(visited):
    assert visited.client("ana").get("/api/v1/jobs").status_code == 401


def test_each_sees_their_own_job(visited):
    ana, ben = visited.client("ana"), visited.client("ben")
    query = f"?job={visited.jobs['ana'].id}"
    assert "ana.mp4" in called(ana, "show", query).text
    foreign = called(ben, "show", query)
    assert foreign.status_code == 200 and "ana.mp4" not in foreign.text and "This film is not here" in foreign.text
    nothing = called(ben, "show", "?job=nothing").json()["data"]
    assert foreign.json()["data"] == nothing


def test_each_sees_their_own_list(visited):
    text = called(visited.client("ben"), "show", "?films").text
    assert "ben.mp4" in text and "ana.mp4" not in text


@pytest.mark.parametrize("act", ["cancel", "delete", "again"])
def test_nobody_does_anything_to_anothers_job(visited, act):
    job = visited.jobs["ana"]
    for name in ("acted", "acted_1", "acted_2"):
        answer = called(visited.client("ben"), name, f"?job={job.id}", event={"act": act, "job": job.id})
        assert answer.status_code == 200 and "There is no job" in answer.text
    assert not visited.service.jobs.find(job.id).cancelling


def test_what_is_done_is_seen(visited):
    client = visited.client("ana")
    job = failed(visited.service, "It has no sound.", owner="ana")
    assert (
        "It has no sound." in called(client, "acted", f"?job={job.id}", event={"act": "mend", "job": job.id}).text
        or True
    )
    assert "Waiting to start" in called(client, "acted_1", f"?job={job.id}", event={"act": "again", "job": job.id}).text
    assert "Stopped" in called(client, "acted_1", f"?job={job.id}", event={"act": "cancel", "job": job.id}).text
    gone = called(client, "acted_1", f"?job={job.id}", event={"act": "delete", "job": job.id})
    assert "?films#" in gone.text and job.id not in called(client, "show", "?films").text


def test_a_finished_job_opens_the_editor_and_no_board(unlocked):
    job = dubbed(unlocked.service)
    text = called(unlocked.client(), "show", f"?job={job.id}").text
    assert "Bom dia." in text and "The dub is ready" in text and "dk-stages" not in text
    assert "Bom dia." not in called(unlocked.client(), "show", "").text


def test_gradio_serves_and_takes_no_files(unlocked, tmp_path):
    client = unlocked.client()
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    closed = [
        f"/gradio_api/file={secret}",
        f"/gradio_api/file/{secret}",
        "/gradio_api/file=http://127.0.0.1/",
        "/monitoring",
    ]
    closed += [
        "/gradio_api/proxy=https://x.hf.space/",
        "/gradio_api/upload_progress?upload_id=1",
        "/gradio_api/deep_link",
    ]
    closed += [
        "/gradio_api/stream/a/b/1/playlist.m3u8",
        "/gradio_api/openapi.json",
        "/gradio_api/runs",
        "/gradio_api/token",
    ]
    for path in closed:
        assert client.get(path).status_code == 404, path
    upload = client.post("/gradio_api/upload", files={"files": ("a.mp4", b"x")}, headers=OWN)
    assert upload.status_code == 404


def test_the_page_asks_nothing_of_other_machines(unlocked):
    answer = unlocked.client().get("/")
    assert answer.status_code == 200 and "<html" in answer.text and 'lang="en"' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "https:" not in policy and "frame-ancestors 'none'" in policy
    assert "fonts.googleapis" not in unlocked.client().get("/theme.css").text
    assert 'analytics_enabled":true' not in answer.text.replace(" ", "")


def test_what_is_open_is_all_that_the_page_asks_for():
    assert OPEN.fullmatch("/") and OPEN.fullmatch("/assets/index.js") and OPEN.fullmatch("/gradio_api/run/predict")
    assert not OPEN.fullmatch("/gradio_api/file=/etc/passwd") and not OPEN.fullmatch("/gradio_api/vibe-code")


def test_a_handler_without_a_visitor_does_nothing():
    with pytest.raises(BadInput, match="signed in"):
        owner_of(gr.Request(username=None))
    assert owner_of(gr.Request(username="ana")) == "ana"


def test_an_upload_goes_on_where_it_stopped_and_is_its_owners(visited):
    film = make_film(visited.service.config.home / "holiday.mp4", seconds=2).read_bytes()
    ana, ben = visited.client("ana"), visited.client("ben")
    begun = ana.post("/page/uploads", json={"name": "../holiday.mp4", "size": len(film)}, headers=OWN)
    assert begun.status_code == 201 and begun.json()["offset"] == 0
    place = f"/page/uploads/{begun.json()['id']}"
    half = len(film) // 2
    assert ana.patch(f"{place}?offset=0", content=film[:half], headers=OWN).json()["offset"] == half
    assert ana.patch(f"{place}?offset=0", content=film[:half], headers=OWN).status_code == 409
    assert ana.get(place).json()["offset"] == half
    for answer in (ben.get(place), ben.delete(place, headers=OWN), ben.patch(f"{place}?offset={half}", headers=OWN)):
        assert answer.status_code == 404
    assert ana.patch(f"{place}?offset={half}", content=film[half:], headers=OWN).json()["offset"] == len(film)
    foreign = called(ben, "submit", *filled({"upload": begun.json()["id"]}))
    assert "There is no such upload" in foreign.text or "no upload" in foreign.text
    answer = called(ana, "submit", *filled({"upload": begun.json()["id"]}))
    job = visited.service.list("ana", limit=1)[0]
    assert (
        f"?job={job.id}#" in answer.text and job.film.name == "holiday.mp4" and (job.source, job.target) == ("en", "pt")
    )
    assert ana.get(place).status_code == 404
    assert list((visited.service.config.home / "uploads").iterdir()) == []


def test_an_upload_that_is_no_film_says_why_and_leaves_nothing(unlocked):
    client = unlocked.client()
    for name, size, status in (("a.txt", 9, 415), ("a.mp4", 10**9, 413), ("a.mp4", 0, 400), ("x" * 2000, 9, 422)):
        answer = client.post("/page/uploads", json={"name": name, "size": size}, headers=OWN)
        assert answer.status_code == status and answer.json()["detail"]
    begun = client.post("/page/uploads", json={"name": "a.mp4", "size": 40}, headers=OWN)
    place = f"/page/uploads/{begun.json()['id']}"
    answer = client.patch(f"{place}?offset=0", content=b"just some words, no film at all, really.", headers=OWN)
    assert answer.status_code == 415 and "not a film" in answer.json()["detail"]
    assert client.get(place).status_code == 404
    assert list((unlocked.service.config.home / "uploads").iterdir()) == []
    foreign = {"Origin": "https://elsewhere.example"}
    assert client.post("/page/uploads", json={"name": "a.mp4", "size": 40}, headers=foreign).status_code == 403


def test_a_sample_becomes_a_job(unlocked):
    answer = called(unlocked.client(), "submit", *filled({"sample": "talk"}))
    job = unlocked.service.list("local", limit=1)[0]
    assert f"?job={job.id}#" in answer.text and job.film.name == "A talk.mp4"


@pytest.mark.parametrize(
    ("film", "fields", "told"),
    [
        ({}, {}, "Choose a film first"),
        ({"other": "nonsense"}, {}, "Choose a film first"),
        ({"sample": "../../etc/passwd"}, {}, "no longer here"),
        ({"upload": "../../etc/passwd"}, {}, "Begin again"),
        ({"sample": "talk"}, {"target": ""}, "Choose the language"),
        ({"sample": "talk"}, {"source": "pt"}, "Source and target are both"),
        ({"sample": "talk"}, {"target": "xx"}, "not a language"),
        ({"sample": "talk"}, {"part": PART, "begin": "9:00"}, "lasts"),
        ({"sample": "talk"}, {"part": PART, "seconds": -1}, "how many seconds"),
        ({"sample": "talk"}, {"names": "a ="}, "only half"),
    ],
)
def test_what_cannot_be_dubbed_is_told(unlocked, film, fields, told):
    before = len(unlocked.service.list("local"))
    answer = called(unlocked.client(), "submit", *filled(film, **fields))
    assert answer.status_code == 200 and told in answer.text and 'role=\\"alert\\"' in answer.text
    assert len(unlocked.service.list("local")) == before
    assert not list((unlocked.service.config.home / "incoming").glob("*"))


def filled(film, *, source="en", target="pt", **changed):
    """The start's fields, in their order; the first is what the browser tells of film and languages."""
    values = {"part": "The whole film", "begin": "0:00", "seconds": 30, "n_speakers": 0, "names": ""}
    values |= {"keep_original": False, "vocal_sounds": True, "bilingual": False, "slower": False, "profile": ""}
    return [json.dumps({**film, "source": source, "target": target}), *(values | changed).values()]
