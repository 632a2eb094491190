from pathlib import Path

import pytest
from runs import OwnBackends, opened
from stand_ins import ToneSynthesizer

from dubkit.audition import audition
from dubkit.errors import BadInput


def test_every_voice_says_the_line_and_it_is_told_who_has_it(talk: Path, store: Path, backends: OwnBackends) -> None:
    run = opened(talk, store)
    found = audition(run, " Olá <mundo>. ")
    roles = {r.id: r.voice.id for r in run.casting.roles}
    assert [one.voice.id for one in found.heard] == ["tone:ana", "tone:eva", "tone:rui"]
    assert {who: one.voice.id for one in found.heard for who in one.speakers} == roles
    assert {r.text for r in backends.tasks["synthesizer"].asked} == {"Olá <mundo>."}
    foretold = ToneSynthesizer().predict(backends.tasks["synthesizer"].asked[0])
    assert all(one.sound.duration == pytest.approx(foretold, abs=0.01) for one in found.heard)


def test_nothing_is_said_twice(talk: Path, store: Path, backends: OwnBackends) -> None:
    first = audition(opened(talk, store), "Olá.")
    backends.renew()
    assert audition(opened(talk, store), "Olá.") == first
    assert backends.asked == {}


def test_by_default_it_is_the_line_that_lasts_about_three_seconds(
    talk: Path, store: Path, backends: OwnBackends
) -> None:
    run = opened(talk, store)
    nearest = min(run.translation.lines, key=lambda line: abs(line.duration - 3))
    assert audition(run).text == nearest.text


def test_of_many_voices_those_that_speak_for_somebody_are_heard_first(
    talk: Path, store: Path, backends: OwnBackends
) -> None:
    run = opened(talk, store, set={"assign_voices.voices": {"S1": "tone:rui", "S2": "tone:rui"}})
    assert {r.voice.id for r in run.casting.roles} == {"tone:rui"}
    found = audition(run, "Olá.", most=2)
    assert [one.voice.id for one in found.heard] == ["tone:ana", "tone:rui"]
    assert found.n_voices == 3 and "(2 of 3 voices)" in found._repr_html_()


def test_the_page_is_escaped_and_has_a_player_for_each(talk: Path, store: Path, backends: OwnBackends) -> None:
    page = audition(opened(talk, store), "Olá <mundo>.")._repr_html_()
    assert "Olá &lt;mundo&gt;." in page and "<mundo>" not in page
    assert page.count("<audio") == 3 and page.count("data:audio/mpeg") == 3
    assert "<code>tone:ana</code>" in page


def test_of_a_film_in_which_nobody_speaks_it_is_empty_and_says_so(
    talk: Path, store: Path, backends: OwnBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = opened(talk, store)
    silent = run.translation.but(lines=())
    monkeypatch.setattr(type(run), "translation", property(lambda _: silent), raising=False)
    found = audition(run)
    assert (found.text, found.heard, found.n_voices) == ("", (), 3)
    assert "Nobody speaks in this film" in found._repr_html_() and "<table" not in found._repr_html_()
    assert len(audition(run, "Olá.").heard) == 3


@pytest.mark.parametrize(("options", "told"), [({"text": " "}, "no line to say"), ({"most": 0}, "from 1 on")])
def test_nothing_to_say_or_to_hear_is_refused(
    options: dict[str, object], told: str, talk: Path, store: Path, backends: OwnBackends
) -> None:
    with pytest.raises(BadInput, match=told):
        audition(opened(talk, store), **options)  # type: ignore[arg-type]
