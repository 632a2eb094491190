from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import BadInput
from dubkit.settings import Settings, load, profile, profiles

TREE = asdict(Settings())
GROUPS = [()] + [
    (*path, name)
    for path, node in [((), TREE)] + [((group,), TREE[group]) for group in TREE]
    for name, value in node.items()
    if isinstance(value, dict) and name not in ("voices", "glossary")
]


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = {name: value}
    return value  # type: ignore[no-any-return]


def known(path: tuple[str, ...]) -> dict[str, Any]:
    node: Any = TREE
    for name in path:
        node = node[name]
    return node  # type: ignore[no-any-return]


names = st.from_regex(r"[a-z_][a-z_0-9]{0,12}", fullmatch=True) | st.text(max_size=8)


def test_every_group_is_tried() -> None:
    assert ("transcribe", "utterance") in GROUPS
    assert len(GROUPS) == 18


@given(st.sampled_from(GROUPS), names, st.integers() | st.text(max_size=4))
def test_an_unknown_name_is_refused_wherever_it_stands(path: tuple[str, ...], name: str, value: object) -> None:
    if name in known(path):
        return
    with pytest.raises(BadInput):
        load(nested((*path, name), value))
    with pytest.raises(BadInput):
        Settings().but({".".join((*path, name)): value})


def test_the_error_lists_what_there_is() -> None:
    with pytest.raises(BadInput, match=r"no setting 'segment.max_lenght'. segment has: .*max_length"):
        Settings().but({"segment.max_lenght": 3})
    with pytest.raises(BadInput, match=r"The groups are: assemble, assign_voices, backends"):
        Settings().but({"segmment.max_length": 3})


def test_settings_are_changed_by_name() -> None:
    changed = Settings().but({"segment.max_length": 20, "translate.target": "pt"})
    assert changed.segment.max_length == 20.0
    assert changed.translate.target == "pt"
    assert changed.diarize == Settings().diarize
    assert Settings().segment.max_length == 28.0


def test_settings_inside_settings_are_changed_by_name() -> None:
    changed = Settings().but({"transcribe.utterance.max_pause": "3.5"})
    assert changed.transcribe.utterance.max_pause == 3.5
    assert changed.transcribe.utterance.max_length == Settings().transcribe.utterance.max_length


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("segment.max_length", "20", 20.0),
        ("combine.keep_original", "true", True),
        ("diarize.n_speakers", "3", 3),
        ("diarize.n_speakers", "none", None),
        ("translate.target", "pt", "pt"),
        ("translate.target", '"pt"', "pt"),
        # Min Nan Chinese, which TOML would read as a number that is none.
        ("transcribe.language", "nan", "nan"),
        ("backends.synthesizer", "first:kokoro,espeak", "first:kokoro,espeak"),
        ("assign_voices.voices", '{S1 = "kokoro:pm_alex"}', {"S1": "kokoro:pm_alex"}),
        ("separate.analysis", "speech", "speech"),
    ],
)
def test_text_is_read_as_the_setting_wants_it(name: str, text: str, value: object) -> None:
    group, _, setting = name.partition(".")
    assert getattr(getattr(Settings().but({name: text}), group), setting) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("segment.max_length", "long"),
        ("segment.max_length", -1),
        ("segment.max_length", 30),
        ("validate.max_megabytes", 0),
        ("validate.max_megabytes", "inf"),
        ("validate.max_megabytes", float("nan")),
        ("assemble.mix.duck", float("inf")),
        ("diarize.n_speakers", 0),
        ("separate.analysis", "everything"),
        ("transcribe.beam_size", 2.5),
        ("transcribe.utterance", {"max_pause": -1}),
        ("combine.keep_original", "perhaps"),
        ("detect_gender.certainty", 0.4),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(BadInput, match=name):
        Settings().but({name: value})


def test_settings_come_back_from_plain_values() -> None:
    settings = Settings().but({"segment.max_length": 20, "assign_voices.voices": {"S1": "kokoro:x"}})
    assert load(asdict(settings)) == settings
    assert load({}) == Settings()


@pytest.mark.parametrize("name", ["embedded", "hub"])
def test_shipped_profiles_load(name: str) -> None:
    settings, why = profile(name)
    assert name in why
    assert set(profiles()) == {"embedded", "hub"}
    assert all(asdict(settings.backends).values())


def test_the_hub_profile_names_the_large_models() -> None:
    backends = profile("hub")[0].backends
    assert backends.transcriber == "whisper:openai/whisper-large-v3"
    assert backends.translator == "nllb:facebook/nllb-200-3.3B"
    assert backends.synthesizer.split(",")[0] == "first:mms"
    assert profile("embedded")[0].backends == Settings().backends


@pytest.mark.parametrize(("gpu", "name"), [("/usr/bin/nvidia-smi", "hub"), (None, "embedded")])
def test_the_default_profile_is_what_the_machine_can(
    monkeypatch: pytest.MonkeyPatch, gpu: str | None, name: str
) -> None:
    monkeypatch.setattr("shutil.which", lambda program: gpu)
    settings, why = profile(None)
    assert settings == profile(name)[0]
    assert repr(name) in why
    assert "NVIDIA" in why


def test_a_profile_of_your_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[segment]\nmax_length = 12\n[transcribe.utterance]\nmax_pause = 1.0\n")
    settings, _ = profile(str(path))
    assert settings.segment.max_length == 12
    assert settings.transcribe.utterance.max_pause == 1.0


@pytest.mark.parametrize("content", ["[segment\n", "[segment]\nmax = 3\n", "[segmment]\nmax_length = 3\n", "x = \xff"])
def test_a_profile_with_a_mistake_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(BadInput):
        profile(str(path))


def test_a_profile_that_is_not_there_is_told() -> None:
    with pytest.raises(BadInput, match=r"no profile 'fast': give one of embedded, hub, or the path"):
        profile("fast")


def test_a_back_end_that_is_refused_is_not_repeated() -> None:
    """Its address may hold a password."""
    with pytest.raises(BadInput, match=r"backends\.translater") as caught:
        load({"backends": {"translater": "llm:m@https://u:hunter2@host/v1"}})
    assert "hunter2" not in str(caught.value)
