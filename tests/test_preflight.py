"""What is checked and brought before any work."""

import logging
from pathlib import Path

import pytest
from runs import OwnBackends, opened

from dubkit import preflight
from dubkit.backends.protocols import ModelCard
from dubkit.errors import MissingModel, Unreachable, UnsupportedPair
from dubkit.progress import Event


class Shelf:
    """Models that may be brought: a back end's ``models`` and ``fetch``."""

    def __init__(self, name: str, *, refused: str = "", error: type[MissingModel] = MissingModel) -> None:
        self.name, self.refused, self.error = name, refused, error
        self.here = False
        self.asked: list[tuple[str | None, str | None]] = []

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        return [ModelCard(f"{self.name}-{target}", "MIT", 2_500_000_000, self.here, f"bring {self.name}")]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        self.asked.append((source, target))
        if self.refused:
            raise self.error(self.refused)
        self.here = True


def shelve(backends: OwnBackends, task: str, shelf: Shelf) -> Shelf:
    backends.tasks[task].models = shelf.models  # type: ignore[method-assign]
    backends.tasks[task].fetch = shelf.fetch
    return shelf


def test_what_is_missing_is_brought_before_any_work(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    shelf = shelve(backends, "translator", Shelf("words"))
    events: list[Event] = []
    opened(talk, tmp_path / "s", "pt", source="en", observers=(events.append,)).until("translate")
    assert shelf.asked == [("en", "pt")]
    assert (events[0].stage, events[0].note) == ("translate", "downloading words-pt (2.5 GB)")
    assert [(e.stage, e.status) for e in events[1:3]] == [("validate", "started"), ("validate", "done")]
    opened(talk, tmp_path / "s", "pt", source="en").until("translate")
    assert len(shelf.asked) == 1


def test_stages_that_are_not_done_need_no_models(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    shelf = shelve(backends, "synthesizer", Shelf("voices", refused="no network"))
    opened(talk, tmp_path / "s").until("transcribe")
    assert shelf.asked == []


def test_all_that_cannot_be_brought_is_listed_at_once(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    shelve(backends, "translator", Shelf("words", refused="The hub has no model words."))
    shelve(backends, "synthesizer", Shelf("voices", refused="The hub refused the access token."))
    shelve(backends, "transcriber", Shelf("ears"))
    events: list[Event] = []
    listed = r"^Models are missing.*:\n- words-pt: bring words\n- voices-pt: bring voices\nNothing was begun\.$"
    with pytest.raises(MissingModel, match=listed):
        opened(talk, tmp_path / "s", observers=(events.append,)).until("combine")
    told = {e.note for e in events if e.status == "warning"}
    assert {"The hub has no model words.", "The hub refused the access token."} <= told
    assert not (tmp_path / "s" / "validate").exists()


def test_offline_nothing_is_asked_for(
    talk: Path, tmp_path: Path, backends: OwnBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert preflight.offline()
    shelves = [shelve(backends, task, Shelf(task)) for task in ("transcriber", "translator")]
    with pytest.raises(MissingModel, match=r"- transcriber-pt: bring transcriber\n- translator-pt:"):
        opened(talk, tmp_path / "s").until("combine")
    assert [s.asked for s in shelves] == [[], []]


def test_without_a_network_it_is_tried_once(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    first = shelve(backends, "transcriber", Shelf("ears", refused="no route", error=Unreachable))
    later = shelve(backends, "synthesizer", Shelf("voices"))
    with pytest.raises(MissingModel, match=r"- ears-pt: .*\n- voices-pt: "):
        opened(talk, tmp_path / "s").until("combine")
    assert (len(first.asked), len(later.asked)) == (1, 0)


def test_a_language_without_a_voice_is_refused_before_any_work(
    talk: Path, tmp_path: Path, backends: OwnBackends
) -> None:
    backends.tasks["synthesizer"].voices = lambda language: ()  # type: ignore[attr-defined]
    with pytest.raises(UnsupportedPair, match=r"No voice speaks Portuguese\. There are voices for: en, es, pt\."):
        opened(talk, tmp_path / "s").until("combine")
    assert not (tmp_path / "s" / "validate").exists()


def test_hosts_must_answer_before_any_work_but_not_where_there_is_none(
    talk: Path, tmp_path: Path, backends: OwnBackends
) -> None:
    asked: list[str] = []

    def gone() -> None:
        asked.append("gone")
        raise MissingModel("Nobody answers at http://host")

    backends.tasks["translator"].check = gone  # type: ignore[attr-defined]
    with pytest.raises(MissingModel, match="Nobody answers"):
        opened(talk, tmp_path / "s").until("combine")
    assert not (tmp_path / "s" / "validate").exists()
    opened(talk, tmp_path / "s").until("transcribe")
    assert asked == ["gone"], "no stage so far relies on it"
    backends.tasks["translator"].check = lambda: asked.append("there")  # type: ignore[attr-defined]
    opened(talk, tmp_path / "s").until("combine")
    assert asked == ["gone", "there"], "once for a run"
    backends.tasks["translator"].check = gone  # type: ignore[attr-defined]
    opened(talk, tmp_path / "s").until("combine")
    assert asked == ["gone", "there"], "nothing was to be done"


def test_what_works_but_in_part_is_told(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    def check() -> None:
        logging.getLogger("dubkit.backends.some").warning("the first is gone, the second goes on")

    backends.tasks["translator"].check = check  # type: ignore[attr-defined]
    events: list[Event] = []
    opened(talk, tmp_path / "s", observers=(events.append,)).until("translate")
    assert (
        events[0].stage,
        events[0].status,
        events[0].note,
    ) == ("translate", "warning", "the first is gone, the second goes on")
