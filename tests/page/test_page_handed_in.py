"""Films that the page hands in: counted as all others, and a film that was sent stays where the service fails for a moment."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from page_films import opened

from dubkit.database import DatabaseAway
from dubkit.page.samples import Sample
from dubkit.page.start import _submitted
from dubkit.page.wishes import Form
from dubkit.service.access.limits import TooMany
from dubkit.service.films.uploads import NoSuchUpload

FORM = Form("en", "pt")


@pytest.fixture
def service(tmp_path: Path):
    made = opened(tmp_path / "home", require_key=True, upload_rate="1/hour")
    yield made
    made.close()


def by(owner: str) -> SimpleNamespace:
    return SimpleNamespace(request=None, username=owner, client=SimpleNamespace(host="127.0.0.1"))


def test_samples_are_counted_too(service, tiny: Path):
    samples = {"talk": Sample("talk", "A talk", "Somebody talks.", "en", 2.0, tiny, "CC0")}
    job = _submitted(service, by("ana"), {"sample": "talk"}, samples, FORM)
    assert (job.owner, job.film.name, job.target) == ("ana", "A talk.mp4", "pt")
    with pytest.raises(TooMany, match=r"Ask again in \d+ s\."):
        _submitted(service, by("ana"), {"sample": "talk"}, samples, FORM)
    assert _submitted(service, by("ben"), {"sample": "talk"}, samples, FORM).owner == "ben"
    assert [*(service.config.home / "incoming").iterdir()] == []
    assert tiny.exists()


def test_a_film_that_was_sent_is_still_there_after_a_failure(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
):
    service = opened(tmp_path / "home", require_key=True)
    film = tiny.read_bytes()
    id = service.uploads.create("ana", len(film), {"filename": "a.mp4"}).id
    service.uploads.append(id, "ana", 0, [film])

    def fail(new):
        raise DatabaseAway("gone")

    with monkeypatch.context() as patched:
        patched.setattr(service.jobs, "add", fail)
        with pytest.raises(DatabaseAway):
            _submitted(service, by("ana"), {"upload": id}, {}, FORM)
    assert _submitted(service, by("ana"), {"upload": id}, {}, FORM).film.name == "a.mp4"
    with pytest.raises(NoSuchUpload):
        _submitted(service, by("ana"), {"upload": id}, {}, FORM)
    service.close()
