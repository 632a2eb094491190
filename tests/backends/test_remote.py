import dataclasses
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import sound
from runs import NAMES, OwnBackends, opened, statuses
from served import Served, serving
from stand_ins import Halver, Prefixer, StandIn, ToneSynthesizer, ToneTranscriber, all_tasks

from dubkit.artefacts import Candidate, Voice
from dubkit.backends import registry
from dubkit.backends.protocols import Backend, Compute, Diarization, Heard, Hint, ModelCard, Request
from dubkit.backends.remote import calls as remote_calls
from dubkit.backends.remote import client as remote_client
from dubkit.backends.remote import tasks as remote
from dubkit.backends.remote.client import CONNECT, FIRST, READ, SILENCE, TRIES, TRIES_TO_FIND, Line
from dubkit.backends.remote.served import TOKEN, LostError, RemoteError
from dubkit.backends.remote.tasks import RemoteSeparator, RemoteSynthesizer, RemoteTranscriber, RemoteTranslator
from dubkit.errors import BadInput, DubkitError, MissingModel, OutOfMemory, Unreachable, UnsupportedPair
from dubkit.progress import Report
from dubkit.service.backends.server import Limits
from dubkit.stage import Stopwatch

RATE = 16_000
CLASSES = {
    "separator": RemoteSeparator,
    "diarizer": remote.RemoteDiarizer,
    "transcriber": RemoteTranscriber,
    "gender_classifier": remote.RemoteGenderClassifier,
    "translator": RemoteTranslator,
    "synthesizer": RemoteSynthesizer,
}
NO_WAIT: Callable[[float], None] = lambda seconds: None  # noqa: E731


def tone(seconds: float, hz: float = 200.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)


def client(server: Served, sleep: Callable[[float], None] = NO_WAIT, batch_size: int = 2) -> Any:
    return CLASSES[server.task](server.url, Compute(batch_size=batch_size), sleep)


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """``serve(task, backend, **options)`` starts a server that ends with the test."""
    servers: list[Served] = []

    def begin(task: str, backend: Any, **options: Any) -> Served:
        servers.append(Served(task, backend, **options))
        return servers[-1]

    yield begin
    for server in servers:
        server.end()
    for server in servers:
        server.die()


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)


@pytest.mark.parametrize("task", registry.TASKS)
def test_nothing_is_asked_before_it_is_needed(task: str) -> None:
    fresh = CLASSES[task].from_spec("http://127.0.0.1:1", Compute())
    assert registry.available(task)["remote"].load() is CLASSES[task]
    assert not hasattr(fresh, "fetch")
    assert not hasattr(fresh, "anything")


@pytest.mark.parametrize("task", registry.TASKS)
def test_it_is_known_by_the_remote_fingerprint(task: str, serve: Callable[..., Served]) -> None:
    there = all_tasks()[task]
    here = client(serve(task, there))
    assert isinstance(here, Backend)
    assert here.fingerprint == there.fingerprint


@pytest.mark.parametrize(
    "url",
    [
        "", "host:8001", "ftp://host/x", "file:///etc/passwd", "http://", "http://host:port", "http://host/?a=1",
        "http://[::1", "http://me:secret@host:8001", "https://secret@host",
    ],
)  # fmt: skip
def test_only_plain_urls_are_taken_and_no_password_is_repeated(url: str) -> None:
    with pytest.raises(BadInput, match=r"remote:http://HOST:8001") as told:
        RemoteTranslator.from_spec(url, Compute())
    assert "secret" not in str(told.value)


def test_diarization_is_the_same(serve: Callable[..., Served]) -> None:
    there = all_tasks()["diarizer"]
    waveform = np.concatenate([tone(1), np.zeros(RATE, np.float32), tone(1, 500), tone(0)])
    here = client(serve("diarizer", there))
    local, far = there.diarize(waveform), here.diarize(waveform, n_speakers=2)
    assert isinstance(far, Diarization)
    assert far.turns == local.turns
    assert len(far.turns) == 2
    assert far.centroids.keys() == local.centroids.keys()
    for label, centroid in local.centroids.items():
        assert far.centroids[label].dtype == centroid.dtype
        assert np.array_equal(far.centroids[label], centroid)


def test_what_is_known_of_speakers_gets_there(serve: Callable[..., Served]) -> None:
    class Told(StandIn):
        def diarize(self, waveform: np.ndarray, **known: Any) -> Diarization:
            self.asked.append(known)
            return Diarization(())

    there = Told()
    here = client(serve("diarizer", there))
    assert here.diarize(tone(0.1), n_speakers=3, max_speakers=4) == Diarization(())
    assert there.asked == [{"n_speakers": 3, "min_speakers": 1, "max_speakers": 4}]
    here.diarize(tone(0.1), threshold=0.4)
    assert there.asked[1] == {"n_speakers": None, "min_speakers": 1, "max_speakers": None, "threshold": 0.4}


def test_a_keyword_that_the_back_end_over_there_lacks_is_told(serve: Callable[..., Served]) -> None:
    here = client(serve("diarizer", all_tasks()["diarizer"]))
    with pytest.raises(BadInput, match="The back end ToneDiarizer@1 has no threshold that could be set"):
        here.diarize(tone(0.1), threshold=0.4)


def test_transcription_is_the_same_however_it_is_batched(serve: Callable[..., Served]) -> None:
    there = all_tasks()["transcriber"]
    server = serve("transcriber", there)
    waveforms = [tone(k / 3, 200 + 90 * k) for k in range(6)]
    local = list(there.transcribe(waveforms, "en"))
    for size in (1, 4, 8):
        assert list(client(server, batch_size=size).transcribe(waveforms, "en", beam_size=2)) == local
    here = client(server)
    assert here.languages() == there.languages()
    assert here.detect_language(waveforms) == ("en", 0.9)
    assert list(here.transcribe([], "en")) == []


def test_gender_is_the_same(serve: Callable[..., Served]) -> None:
    there = all_tasks()["gender_classifier"]
    here = client(serve("gender_classifier", there))
    waveforms = [tone(1, hz) for hz in (150, 400, 200)]
    assert here.female_probability(waveforms) == there.female_probability(waveforms) == [0.05, 0.95, 0.05]
    assert here.female_probability([]) == []


def test_translation_is_the_same_with_all_hints(serve: Callable[..., Served]) -> None:
    class Hinted(Prefixer):
        def translate(
            self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
        ) -> Iterator[tuple[Candidate, ...]]:
            self.asked.append(list(hints))
            yield from (
                (Candidate(text=f"{source}{target} {t}", score=float("-inf")), Candidate(text="")) for t in texts
            )

    there = Hinted()
    here = client(serve("translator", there))
    texts = ['Olá, "mundo"!', "", "日本 \U0001f600"]
    hints = [Hint(), Hint(("a", "b"), ("c",), 1.25, ("Wort",)), Hint(seconds=3)]
    assert list(here.translate(texts, "en", "pt", hints)) == list(there.translate(texts, "en", "pt", hints))
    assert list(here.translate(texts, "en", "pt")) == list(there.translate(texts, "en", "pt"))
    assert there.asked == [hints, hints, [], []]
    assert here.pairs() == there.pairs()
    assert here.route("en", "pt") == ("en", "xx", "pt")


def test_speech_is_the_same_and_references_get_there(serve: Callable[..., Served], tmp_path: Path) -> None:
    class Copier(ToneSynthesizer):
        def synthesize(self, requests: Sequence[Request]) -> Iterator[np.ndarray]:
            for r in requests:
                self.asked.append(r.reference and (r.reference.path, r.reference.sha256, r.reference.duration))
                yield super().synthesize([r]).__next__() if r.reference is None else r.reference.load()

    there = Copier()
    here = client(serve("synthesizer", there), batch_size=3)
    assert here.voices("pt") == there.voices("pt")
    assert here.voices("xx") == ()
    assert here.languages() == there.languages()
    assert (here.sample_rate, here.rates) == (24_000, (0.8, 1.3))
    reference = sound(tmp_path / "ana.flac", 0.3 * np.sin(np.arange(9000) / 20).astype(np.float32))
    ana, eva, _ = there.voices("pt")
    requests = [Request("Bom dia.", ana, 1.1), Request("Sim.", ana, 1, reference), Request("Não.", eva, 1, reference)]
    assert [here.predict(r) for r in requests] == [there.predict(r) for r in requests]
    there.asked.clear()
    local, far = list(there.synthesize(requests)), list(here.synthesize(requests))
    for a, b in zip(local, far, strict=True):
        assert b.dtype == np.float32
        assert np.array_equal(a, b)
    here_twice, there_twice = np.split(np.array([a for a in there.asked if isinstance(a, tuple)], object), 2)
    assert here_twice.tolist() == [[reference.path, reference.sha256, reference.duration]] * 2
    copy, digest, _ = there_twice[0]
    assert there_twice.tolist() == [[copy, digest, reference.duration]] * 2
    assert copy != reference.path
    assert not copy.exists()


def blocks(n: int, size: int = 20_000) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.uniform(-1, 1, size + 7 * k).astype(np.float32) for k in range(n)]


def test_a_long_stream_is_the_same(serve: Callable[..., Served]) -> None:
    there, given = Halver(), blocks(40)
    here = client(serve("separator", there))
    assert here.sample_rate == 48_000
    local, far = list(there.speech(given)), list(here.speech(iter(given)))
    assert np.array_equal(np.concatenate(local), np.concatenate(far))
    assert there.asked == 2 * [len(b) for b in given]


def test_speech_comes_while_the_stream_goes_on(serve: Callable[..., Served]) -> None:
    here, pushed = client(serve("separator", Halver())), 0

    def film() -> Iterator[np.ndarray]:
        nonlocal pushed
        for block in blocks(20):
            pushed += 1
            yield block

    seen = [pushed for _ in here.speech(film())]
    assert seen[0] == 4
    assert len(seen) == 18


def test_two_streams_do_not_mix(serve: Callable[..., Served]) -> None:
    server = serve("separator", Halver())
    ones, twos = ([np.full(30_000, k, np.float32)] * 12 for k in (1, 2))
    mixed = list(zip(client(server).speech(ones), client(server).speech(twos), strict=True))
    assert all((a == 0.5).all() and (b == 1).all() for a, b in mixed)
    assert sum(len(a) for a, _ in mixed) == 12 * 30_000


def test_an_empty_stream_stays_empty(serve: Callable[..., Served]) -> None:
    assert list(client(serve("separator", Halver())).speech([])) == []


def test_a_stream_whose_server_dies_goes_on(serve: Callable[..., Served]) -> None:
    given, servers = blocks(30), [serve("separator", Halver())]

    def film() -> Iterator[np.ndarray]:
        for n, block in enumerate(given):
            if n in (11, 23):
                servers[-1].die()
            yield block

    def restart(seconds: float) -> None:
        if not servers[-1]._thread.is_alive():
            servers.append(serve("separator", Halver(), port=servers[0].port))

    far = list(client(servers[0], restart).speech(film()))
    assert np.array_equal(np.concatenate(far), np.concatenate(list(Halver().speech(given))))
    assert [len(s.backend.asked) for s in servers] == [11, 23, 30]


class Stuck(ToneTranscriber):
    """Hears two waveforms and then nothing any more."""

    fingerprint = "ToneTranscriber@1"

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def transcribe(self, waveforms: Sequence[np.ndarray], language: str, *, beam_size: int = 5) -> Iterator[Heard]:
        for waveform in waveforms:
            if len(self.asked) == 2:
                self.reached.set()
                self.go_on.wait(20)
            yield from super().transcribe([waveform], language)


def test_a_server_that_dies_in_a_call_is_asked_for_the_rest_when_it_is_back(serve: Callable[..., Served]) -> None:
    stuck, fresh = Stuck(), ToneTranscriber()
    server = serve("transcriber", stuck)
    waits: list[float] = []

    def restart(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            serve("transcriber", fresh, port=server.port)

    waveforms = [tone(k / 3) for k in range(1, 6)]
    threading.Thread(target=lambda: (stuck.reached.wait(20), server.die())).start()
    heard = list(client(server, restart, batch_size=8).transcribe(waveforms, "en"))
    asked = list(stuck.asked)
    stuck.go_on.set()
    assert heard == list(ToneTranscriber().transcribe(waveforms, "en"))
    assert asked == [("en", len(w)) for w in waveforms[:2]]
    assert fresh.asked == [("en", len(w)) for w in waveforms[2:]]
    assert waits == [FIRST, 2 * FIRST, 4 * FIRST]


def test_a_server_that_stays_away_is_told_with_what_to_do(serve: Callable[..., Served]) -> None:
    server, waits = serve("translator", Prefixer()), list[float]()
    here = client(server, waits.append)
    said = here.translate(["a", "b"], "en", "pt")
    assert next(said)[0].text == "pt-a"
    server.die()
    with pytest.raises(
        Unreachable, match=rf"{server.url} is not to be reached.*dubkit serve-backend translator"
    ) as told:
        list(here.translate(["c"], "en", "pt"))
    assert told.value.exit_code == 4
    assert waits == [0.5, 1, 2, 4, 8, 16, 16]
    assert len(waits) == TRIES - 1


def test_a_server_that_is_not_there_is_a_missing_model() -> None:
    waits: list[float] = []
    nowhere = RemoteTranslator("http://127.0.0.1:9", Compute(), waits.append)
    with pytest.raises(Unreachable, match=r"http://127.0.0.1:9 cannot be reached.*serve-backend translator SPEC"):
        _ = nowhere.fingerprint
    assert len(waits) == TRIES_TO_FIND - 1


def test_a_server_of_another_task_is_told(serve: Callable[..., Served]) -> None:
    server = serve("translator", Prefixer(), name="prefixer")
    with pytest.raises(BadInput, match=r"serves the task translator \(prefixer\).*serve-backend synthesizer"):
        _ = RemoteSynthesizer.from_spec(server.url, Compute()).sample_rate


def test_another_kind_of_server_is_told(serve: Callable[..., Served]) -> None:
    server = serve("translator", Prefixer())
    with pytest.raises(BadInput, match=r"404: it seems to be no dubkit back end.*serve-backend translator"):
        _ = RemoteTranslator.from_spec(server.url + "/elsewhere", Compute()).fingerprint


def test_tokens_have_to_match(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve("translator", Prefixer(), token="right")
    for given in (None, "wrong", "righ", "rightt"):
        if given:
            monkeypatch.setenv(TOKEN, given)
        with pytest.raises(BadInput, match=f"refuses the token. Set {TOKEN}") as told:
            _ = client(server).fingerprint
        assert str(given) not in str(told.value)
    monkeypatch.setenv(TOKEN, "right\n")
    assert client(server).fingerprint == "Prefixer@1"
    monkeypatch.setenv(TOKEN, "ri\nght")
    with pytest.raises(BadInput, match="signs that a token cannot have") as told:
        _ = client(server).fingerprint
    assert "ght" not in str(told.value).replace("ghts", "")


@pytest.mark.parametrize("error", [UnsupportedPair("no xx"), MissingModel("pip install it"), OutOfMemory("too small")])
def test_errors_of_dubkit_come_back_as_they_are(error: DubkitError, serve: Callable[..., Served]) -> None:
    class Failing(Prefixer):
        def route(self, source: str, target: str) -> tuple[str, ...]:
            raise error

        def translate(self, texts: Sequence[str], *rest: Any) -> Iterator[tuple[Candidate, ...]]:
            yield (Candidate(text="first"),)
            raise error

    waits: list[float] = []
    here = client(serve("translator", Failing()), waits.append)
    with pytest.raises(DubkitError) as told:
        here.route("en", "pt")
    assert (type(told.value), str(told.value)) == (type(error), str(error))
    said = here.translate(["a", "b"], "en", "pt")
    assert next(said) == (Candidate(text="first"),)
    with pytest.raises(type(error), match=str(error)):
        next(said)
    assert waits == []


def test_errors_of_plugins_come_back_as_their_nearest_kin_and_others_without_their_innards(
    serve: Callable[..., Served], caplog: pytest.LogCaptureFixture
) -> None:
    class OwnError(UnsupportedPair):
        pass

    class Failing(Prefixer):
        def route(self, source: str, target: str) -> tuple[str, ...]:
            raise OwnError("mine") if source == "en" else ValueError("/secret/path")

    here = client(serve("translator", Failing()))
    with pytest.raises(UnsupportedPair, match="mine"):
        here.route("en", "pt")
    with pytest.raises(RemoteError, match="that its log tells") as told:
        here.route("xx", "pt")
    assert "secret" not in str(told.value)
    assert "ValueError: /secret/path" in caplog.text


def test_errors_in_a_stream_come_back(serve: Callable[..., Served]) -> None:
    class Full(Halver):
        def speech(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
            for n, block in enumerate(blocks):
                if n == 3:
                    raise OutOfMemory("the GPU is full")
                yield block

    far = client(serve("separator", Full())).speech(blocks(6))
    assert len([next(far) for _ in range(3)]) == 3
    with pytest.raises(OutOfMemory, match="the GPU is full"):
        next(far)


def test_results_of_another_model_are_refused(serve: Callable[..., Served]) -> None:
    server = serve("translator", Prefixer())
    here = client(server)
    assert here.fingerprint == "Prefixer@1"
    server.die()
    serve("translator", Prefixer(revision="2"), port=server.port)
    with pytest.raises(RemoteError, match=r"runs another model than when this began.*same command again"):
        list(here.translate(["a"], "en", "pt"))
    assert here.fingerprint == "Prefixer@2"
    assert len(list(here.translate(["a"], "en", "pt"))) == 1


class Rich(Prefixer):
    """A translator that has all that translators may have."""

    heeds = frozenset({"seconds", "before"})

    def __init__(self) -> None:
        super().__init__()
        self.usage: dict[str, Any] = {"requests": 99}

    def quality(self, source: str, target: str) -> str:
        return f"{source}{target}"

    def missing(self, source: str, target: str) -> str:
        return "apt install"

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        self.usage = {"requests": 0, "by": {}}
        logging.getLogger("dubkit.backends.rich").warning("%d of the lines are hard", len(texts))
        for text in texts:
            self.usage = {
                "requests": self.usage["requests"] + 1,
                "by": {"me": self.usage["requests"] + 1},
                "model": "m",
            }
            yield (Candidate(text=text),)


def test_what_only_some_back_ends_have_is_there_where_it_is(serve: Callable[..., Served]) -> None:
    plain, rich = client(serve("translator", Prefixer())), client(serve("translator", Rich()))
    for here in (plain, Stopwatch(plain)):
        assert not any(hasattr(here, name) for name in ("quality", "missing", "heeds", "usage", "fetch", "own_voice"))
    for here in (rich, Stopwatch(rich)):
        assert here.quality("en", "pt") == here.quality(source="en", target="pt") == "enpt"
        assert here.missing("en", "pt") == "apt install"
        assert here.heeds == Rich.heeds
        assert not hasattr(here, "fetch")
    watched = Stopwatch(rich)
    watched.quality("en", "pt")
    assert watched.seconds > 0


def test_own_voices_are_there_where_they_are(serve: Callable[..., Served]) -> None:
    own = Voice(id="tone:own", language="pt", gender="unknown", name="own")

    class Copier(ToneSynthesizer):
        def own_voice(self, language: str) -> Voice | None:
            return own if language == "pt" else None

    assert not hasattr(client(serve("synthesizer", ToneSynthesizer())), "own_voice")
    here = client(serve("synthesizer", Copier()))
    assert here.own_voice("pt") == own
    assert here.own_voice("en") is None


class Pausing(ToneSynthesizer):
    """Says where its clips pause; ``asked`` has the requests whose marks were wanted."""

    def marks(self, request: Request) -> tuple[tuple[float, float], ...]:
        self.asked.append(request)
        n = request.text.count(",")
        return tuple(((k + 1) / 3 / request.rate, (k + 1) / 3 / request.rate + 0.1) for k in range(n))


def test_pauses_are_told_where_they_are_known_and_just_as_over_there(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    there = Pausing()
    plain, here = client(serve("synthesizer", ToneSynthesizer())), client(serve("synthesizer", there))
    assert not hasattr(plain, "marks") and not hasattr(Stopwatch(plain), "marks")
    for text, rate in (("Sim, sim, sim.", 1.3), ("Sim, sim, sim.", 0.8), ("Sim.", 1.0)):
        request = Request(text, there.voices("pt")[0], rate)
        assert here.marks(request) == Stopwatch(here).marks(request=request) == there.marks(request)
    there.asked.clear()
    # As with predictions, the sound of a voice does not travel for it.
    said = Request("Sim, sim.", there.voices("pt")[0], 1, sound(tmp_path / "a.flac", tone(1)))
    assert here.marks(said) == ((1 / 3, 1 / 3 + 0.1),)
    assert there.asked == [dataclasses.replace(said, reference=None)]


def test_a_model_for_each_language_is_told_where_there_is_one(serve: Callable[..., Served]) -> None:
    class Many(ToneSynthesizer):
        def revision_of(self, language: str) -> str:
            return f"{language}@7"

    assert not hasattr(client(serve("synthesizer", ToneSynthesizer())), "revision_of")
    assert client(serve("synthesizer", Many())).revision_of("pt") == "pt@7"


def test_usage_is_counted_over_all_requests_of_a_translation(serve: Callable[..., Served]) -> None:
    server = serve("translator", Rich(), limits=Limits(max_items=2))
    here = client(server)
    assert here.usage == {}
    for n_texts in (5, 3):
        list(here.translate(["a"] * n_texts, "en", "pt"))
        assert here.usage == {"requests": n_texts, "by": {"me": n_texts}, "model": "m"}


def test_warnings_come_back(serve: Callable[..., Served], caplog: pytest.LogCaptureFixture) -> None:
    here = client(serve("translator", Rich()))
    list(here.translate(["a", "b"], "en", "pt"))
    told = [r.getMessage() for r in caplog.records if r.name.startswith("dubkit.backends.remote")]
    assert told == ["2 of the lines are hard"]


def test_models_are_marked_with_the_host(serve: Callable[..., Served]) -> None:
    class Large(Prefixer):
        def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
            self.asked.append((source, target))
            return [ModelCard("nllb", "CC-BY-NC-4.0", 7_000_000_000, False, "dubkit models --fetch", "large")]

    there = Large()
    server = serve("translator", there)
    (card,) = client(server).models("en", "pt")
    host = f"127.0.0.1:{server.port}"
    assert card == ModelCard(
        f"nllb at {host}", "CC-BY-NC-4.0", 0, False, f"on {host}: dubkit models --fetch", f"large (7000 MB at {host})"
    )
    assert there.asked == [("en", "pt")]


def test_requests_hold_as_many_items_as_the_batch_size_and_the_server_allow(serve: Callable[..., Served]) -> None:
    class Counting(ToneTranscriber):
        def transcribe(self, waveforms: Sequence[np.ndarray], language: str, *, beam_size: int = 5) -> Iterator[Heard]:
            self.asked.append(len(waveforms))
            return iter([Heard(())] * len(waveforms))

    waveforms = [tone(0.5)] * 10
    there = Counting()
    server = serve("transcriber", there)
    assert list(client(server, batch_size=4).transcribe(waveforms, "en")) == [Heard(())] * 10
    server.die()
    # A waveform has 32 kB: three do not fit.
    serve("transcriber", there, port=server.port, limits=Limits(max_bytes=90_000))
    list(client(server, batch_size=4).transcribe(waveforms, "en"))
    assert there.asked == [4, 4, 2, 2, 2, 2, 2, 2]
    with pytest.raises(BadInput, match=r"would have 0.2 MB, but the server takes 0.1 MB at most. Send shorter pieces"):
        list(client(server).transcribe([tone(3)], "en"))


def test_a_busy_server_is_asked_again_when_it_says(serve: Callable[..., Served]) -> None:
    stuck, waits = Stuck(), list[float]()
    server = serve("transcriber", stuck, limits=Limits(max_waiting=0, retry_after=3))
    first = client(server).transcribe([tone(1)] * 3, "en")
    threads = [threading.Thread(target=lambda: list(first), daemon=True)]
    threads[0].start()
    assert stuck.reached.wait(20)

    def wait(seconds: float) -> None:
        waits.append(seconds)
        stuck.go_on.set()
        threads[0].join(20)

    assert client(server, wait).detect_language([tone(1)]) == ("en", 0.9)
    assert set(waits) == {3.0}


def test_a_real_back_end_gives_the_same(serve: Callable[..., Served]) -> None:
    heard = registry.get("gender_classifier", "voice-gender", Compute(threads=1))
    waveforms = [tone(1, 120) + 0.3 * tone(1, 240), tone(1.3, 260), np.zeros(RATE, np.float32)]
    far = client(serve("gender_classifier", heard))
    assert far.female_probability(waveforms) == heard.female_probability(waveforms)
    assert far.fingerprint == heard.fingerprint


@pytest.fixture
def all_remote(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Clients of servers for every task, in place of the registry's back ends."""
    far = {task: client(serve(task, backend)) for task, backend in all_tasks().items()}
    monkeypatch.setattr(registry, "get", lambda task, spec, compute=None: far[task])
    return far


def test_a_film_dubbed_afar_is_the_film_dubbed_here(
    finished: Path, talk: Path, tmp_path: Path, all_remote: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(statuses(opened(talk, finished)).values()) == {"reused"}
    far = opened(talk, tmp_path / "far")
    assert statuses(far) == dict.fromkeys(NAMES, "done")
    monkeypatch.setattr(registry, "get", OwnBackends().get)
    near = opened(talk, finished)
    assert [(far.made(s).key, far.made(s).digest) for s in NAMES] == [
        (near.made(s).key, near.made(s).digest) for s in NAMES
    ]


def test_a_report_is_told_what_the_server_warns_of(serve: Callable[..., Served], report: Report) -> None:
    from dubkit.execution import told_of_models

    with serving("translator", Rich()) as server, told_of_models(report):
        list(client(server).translate(["a"], "en", "pt"))
    assert "1 of the lines are hard" in report.warnings


def test_references_are_sent_once_in_a_request(tmp_path: Path) -> None:
    from dubkit.backends.remote.wire import pack, parcels

    reference = sound(tmp_path / "a.flac", tone(1))
    voice = Voice(id="x:y", language="pt", gender="male", name="y")
    parcel = pack([Request(str(n), voice, 1, reference) for n in range(5)])
    assert 4 * RATE < len(parcel) < 8 * reference.n_samples
    (found,) = parcels([parcel[k : k + 1000] for k in range(0, len(parcel), 1000)], tmp_path)
    copies = {request["reference"] for request in found}
    assert len(copies) == 1
    (copy,) = copies
    assert np.array_equal(copy.load(), reference.load())


def test_a_reference_is_known_by_a_digest_of_its_samples_that_the_server_makes(tmp_path: Path) -> None:
    from dubkit.backends.remote.wire import pack, parcels

    def received(name: str, samples: np.ndarray, claimed: str | None = None) -> str:
        file = sound(tmp_path / f"{name}.flac", samples)
        (copy,) = parcels([pack(file.but(sha256=claimed) if claimed else file)], tmp_path)
        return str(copy.sha256)

    ana = received("ana", tone(0.5))
    assert len(ana) == 64
    assert received("again", tone(0.5)) == ana
    # Else a client could have its own voice kept under the digest of another's.
    assert received("eva", tone(0.5, 300), claimed=ana) != ana


def test_predictions_are_asked_for_without_the_reference(serve: Callable[..., Served], tmp_path: Path) -> None:
    class Told(ToneSynthesizer):
        def predict(self, request: Request) -> float:
            self.asked.append(request.reference)
            return 1.0

    there = Told()
    request = Request("Sim.", there.voices("pt")[0], 1, sound(tmp_path / "a.flac", tone(1)))
    assert client(serve("synthesizer", there)).predict(request) == 1.0
    assert there.asked == [None]


def test_a_server_without_a_token_that_is_asked_under_another_name_says_why(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve("translator", Prefixer())
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(BadInput, match=rf"refuses this: It has no token.*names localhost.*start it with {TOKEN}"):
        _ = RemoteTranslator(f"http://0.0.0.0:{server.port}", Compute(), NO_WAIT).fingerprint


def test_another_version_of_the_protocol_is_bad_input(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dubkit.service.backends.endpoints.VERSION", 7)
    with pytest.raises(BadInput, match="speaks version 7 of the protocol"):
        _ = client(serve("translator", Prefixer())).fingerprint


def test_what_stays_the_same_is_asked_for_once(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(ToneSynthesizer):
        def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
            self.asked.append(("models", target))
            return []

        def voices(self, language: str) -> tuple[Voice, ...]:
            self.asked.append(("voices", language))
            return super().voices(language)

    there, now = Counting(), 100.0
    here = client(serve("synthesizer", there))
    here._line.clock = lambda: now
    for target in ("pt", "pt", "es", "pt"):
        assert here.models(None, target) == []
        assert here.voices(target) == ToneSynthesizer().voices(target)
    once = [("models", "pt"), ("voices", "pt"), ("models", "es"), ("voices", "es")]
    assert there.asked == once
    now += remote_calls.KEPT + 1
    here.models(None, "pt")
    here.voices("pt")
    assert there.asked == [*once, ("models", "pt")]
    # Another model may be there now.
    here._line.forget()
    here.voices("pt")
    assert there.asked[-1] == ("voices", "pt")
    assert len(there.asked) == 6


@pytest.mark.parametrize("takes", [0.0, CONNECT, READ])
@pytest.mark.parametrize("known", [False, True])
def test_a_server_that_is_dead_or_hangs_is_waited_for_a_minute_at_most(
    takes: float, known: bool, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    def lost(self: Line, *request: Any) -> Any:
        sleep(takes)
        raise LostError("nobody answers")

    here = client(serve("translator", Prefixer()), sleep)
    here._line.clock = lambda: now
    if known:
        said = here.translate(["a", "b"], "en", "pt")
        next(said)
        sleep(3000)
    monkeypatch.setattr(Line, "_answer", lost)
    began = now
    with pytest.raises(Unreachable):
        here.route("en", "pt")
    assert now - began <= 61
    assert now - began >= (40 if known else 3.5)


def test_a_long_work_that_breaks_off_is_asked_for_again(serve: Callable[..., Served]) -> None:
    stuck, now = Stuck(), time.monotonic()
    server = serve("transcriber", stuck)

    def restart(seconds: float) -> None:
        serve("transcriber", ToneTranscriber(), port=server.port)

    def die() -> None:
        nonlocal now
        assert stuck.reached.wait(20)
        now += 10 * SILENCE
        server.die()

    here = client(server, restart)
    here._line.clock = lambda: now
    threading.Thread(target=die).start()
    assert len(list(here.transcribe([tone(1)] * 4, "en"))) == 4
    stuck.go_on.set()


@pytest.fixture
def hung() -> Iterator[tuple[str, threading.Event]]:
    """The URL of a server that takes requests and never answers, and what is set once it has one."""
    asked, open_ = threading.Event(), list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    open_.append(server.accept()[0])
                except OSError:
                    return
                open_[-1].recv(1)
                asked.set()

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)
    for one in open_:
        one.close()


def interrupt_once(reached: threading.Event) -> None:
    """Ctrl-C, to the thread that tests run in."""

    def press() -> None:
        if reached.wait(20):
            time.sleep(0.2)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()


def test_a_hung_server_is_given_up(hung: tuple[str, threading.Event], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_client, "READ", 0.3)
    monkeypatch.setattr(remote_client, "SILENCE", 0.5)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="ReadTimeout"):
        _ = RemoteTranslator(hung[0], Compute(), NO_WAIT).fingerprint
    assert 0.5 < time.monotonic() - began < 3


def test_an_interrupt_ends_the_wait_for_an_answer_at_once(hung: tuple[str, threading.Event]) -> None:
    interrupt_once(hung[1])
    began = time.monotonic()
    here = RemoteTranslator(hung[0], Compute())
    with pytest.raises(KeyboardInterrupt), registry.using(here, Compute()):
        here.route("en", "pt")
    assert time.monotonic() - began < 2


def test_an_interrupt_ends_the_wait_for_another_try_at_once(hung: tuple[str, threading.Event]) -> None:
    asleep = threading.Event()

    def sleep(seconds: float) -> None:
        asleep.set()
        time.sleep(20)

    interrupt_once(asleep)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        _ = RemoteTranslator("http://127.0.0.1:9", Compute(), sleep).fingerprint
    assert time.monotonic() - began < 2


def test_an_interrupt_ends_a_stream_whose_server_hangs_at_once(serve: Callable[..., Served]) -> None:
    class Hanging(Halver):
        reached, go_on = threading.Event(), threading.Event()

        def speech(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
            for block in blocks:
                yield block
                self.reached.set()
                self.go_on.wait(20)

    here = client(serve("separator", Hanging()))
    interrupt_once(Hanging.reached)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            list(here.speech(blocks(4)))
    finally:
        Hanging.go_on.set()
    assert time.monotonic() - began < 3


def test_goodbye_to_a_stream_is_not_waited_for_long(hung: tuple[str, threading.Event]) -> None:
    began = time.monotonic()
    with pytest.raises(LostError):
        Line(hung[0], "separator").json("DELETE", "/v1/speech/x", patient=False)
    assert time.monotonic() - began < 2
