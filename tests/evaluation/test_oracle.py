"""The truth in place of stages: each gives what is really so, and leaves the others alone."""

from __future__ import annotations

import dataclasses
import threading

import known_film
import numpy as np
import pytest
import soundfile
from known_film import INTO, item, line, truth, write_stems
from runs import made_again, opened

from dubkit.errors import BadInput
from evaluation import oracle
from evaluation.oracle import possible, supply, true_tracks, true_translation
from evaluation.suites import REPLACEABLE


@pytest.fixture
def known(talk, tmp_path, backends):
    """The film with all that can be known of it."""
    return item(talk, write_stems(tmp_path / "stems"))


@pytest.fixture
def run(talk, store, backends):
    return opened(talk, store)


class TestSupply:
    def test_nothing_changes_nothing(self, run, known):
        supply(run, known, ())
        assert made_again(run) == []

    @pytest.mark.parametrize(
        ("stage", "next_stages"),
        [
            ("separate", {"diarize", "transcribe", "detect_gender", "combine"}),
            ("diarize", {"segment", "transcribe", "translate"}),
            ("transcribe", {"translate", "synthesize", "combine"}),
            ("translate", {"assign_voices", "synthesize", "combine"}),
        ],
    )
    def test_what_follows_is_made_of_it_and_what_was_before_stands(self, run, known, stage, next_stages):
        supply(run, known, (stage,))
        made = made_again(run)
        assert set(made) >= next_stages
        assert stage not in made
        assert not set(made) & set(known_film.before(stage))

    def test_turns_and_sentences(self, run, known):
        supply(run, known, ("diarize", "segment", "transcribe"))
        assert run.turns.turns == known.truth.turns
        assert [(s.speaker, s.start, s.end) for s in run.segments.segments] == [
            ("bob", 0.5, 2.0),
            ("ann", 2.5, 4.0),
            ("bob", 4.5, 5.5),
        ]
        assert [(u.id, u.speaker, u.text) for u in run.transcript.utterances] == [
            (name, who, text) for name, who, _, _, text in known_film.SAID
        ]
        assert (run.transcript.language, run.transcript.model) == ("en", "truth")

    @pytest.mark.parametrize("stage", ["segment", "transcribe"])
    def test_speakers_keep_the_names_that_the_run_gave_them(self, run, known, stage):
        # Voices are given to those whom the run found; a name of the truth would be nobody's.
        supply(run, known, (stage,))
        run.until("combine")
        assert [p.speaker for p in run.soundtrack.placements] == ["S1", "S2", "S1"]

    def test_words_keep_the_names_of_the_truth_where_sentences_overlap(self, run, talk, tmp_path):
        said = (line("u001", "bob", 0.5, 5.5, "One."), line("u002", "ann", 2.0, 3.0, "Two."))
        both = item(talk, known=truth(*said, may_overlap=True))
        supply(run, both, ("diarize", "transcribe"))
        assert [u.speaker for u in run.transcript.utterances] == ["bob", "ann"]

    def test_genders_of_those_whom_the_run_found(self, run, known):
        supply(run, known, ("detect_gender",))
        assert [(s.id, s.gender, s.confidence) for s in run.speakers.speakers] == [
            ("S1", "male", 1.0),
            ("S2", "female", 1.0),
        ]

    def test_all_at_once(self, run, known, backends):
        supply(run, known, REPLACEABLE)
        run.until("combine")
        assert [x.text for x in run.translation.lines] == list(INTO["pt"])
        assert set(backends.asked) <= {"gender_classifier", "synthesizer"}

    def test_what_no_truth_replaces_is_refused(self, run, known):
        with pytest.raises(BadInput, match=r"'combine' cannot be replaced by the truth. These can: separate, diarize"):
            supply(run, known, ("diarize", "combine"))

    @pytest.mark.parametrize("stage", REPLACEABLE)
    def test_a_film_of_which_nothing_is_known_is_refused(self, run, talk, tmp_path, stage):
        bare = dataclasses.replace(item(talk, tmp_path), truth=None)
        complaint = "no stems" if stage == "separate" else "truth of talk>pt is not known"
        with pytest.raises(BadInput, match=complaint):
            supply(run, bare, (stage,))


class TestPossible:
    def test_everything(self, known):
        assert possible(known) == REPLACEABLE

    def test_without_a_stem_or_a_translation(self, known):
        (known.folder / "music.wav").unlink()
        assert possible(known) == tuple(s for s in REPLACEABLE if s != "separate")
        assert possible(dataclasses.replace(known, target="fr")) == tuple(
            s for s in REPLACEABLE if s not in ("separate", "translate")
        )

    def test_without_a_truth(self, known):
        assert possible(dataclasses.replace(known, truth=None)) == ()


class TestTracks:
    @pytest.mark.parametrize(("seconds", "rate", "n_channels"), [(6.0, 48_000, 2), (5.0, 44_100, 1), (7.5, 22_050, 2)])
    def test_stems_of_any_length_and_rate_become_as_long_as_the_film(self, known, tmp_path, seconds, rate, n_channels):
        write_stems(known.folder, seconds=seconds, rate=rate, n_channels=n_channels)
        tracks = true_tracks(known, 6.0, tmp_path)
        assert (tracks.speech.sample_rate, tracks.speech.n_samples, tracks.speech.n_channels) == (16_000, 96_000, 1)
        for one in (tracks.full, tracks.background):
            assert (one.sample_rate, one.n_samples, one.n_channels) == (48_000, 288_000, n_channels)
        speech = tracks.speech.load()
        # The low tone at amplitude 0.2, a pause, and silence where a short stem has ended.
        assert np.sqrt(np.mean(speech[8_800:31_000] ** 2)) == pytest.approx(0.2 / 2**0.5, rel=0.02)
        assert np.abs(speech[33_000:39_000]).max() < 0.01
        if seconds < 6:
            assert not speech[16_000 * 5 + 400 :].any()

    def test_a_missing_stem_is_named(self, known, tmp_path):
        (known.folder / "music.wav").unlink()
        with pytest.raises(BadInput, match=r"talk>pt has no stems \(music.wav\), so `separate` cannot be replaced"):
            true_tracks(known, 6.0, tmp_path)

    def test_other_stems_never_change_what_was_given_before(self, talk, store, known, backends):
        first = opened(talk, store)
        supply(first, known, ("separate",))
        before, digest = first.tracks, first.tracks.digest()
        soundfile.write(known.folder / "music.wav", np.zeros(288_000, np.float32), 48_000)
        second = opened(talk, store)
        supply(second, known, ("separate",))
        assert not second.tracks.background.load().any()
        assert before.background.load().any()
        assert before.digest() == digest != second.tracks.digest()

    def test_two_at_a_time_do_not_read_half_a_file(self, talk, store, known, backends):
        runs = [opened(talk, store) for _ in range(4)]
        for one in runs:
            one.until("validate")
        threads = [threading.Thread(target=supply, args=(one, known, ("separate",))) for one in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({one.tracks.digest() for one in runs}) == 1
        assert all(one.tracks.full.load().shape == (288_000,) for one in runs)
        assert not list((store / "tmp").iterdir())


class TestTranslation:
    def lines(self, known, *said):
        from builders import transcript

        found = true_translation(known, transcript(*said))
        assert (found.source, found.target, found.route, found.model) == ("en", "pt", ("en", "pt"), "truth")
        return [(x.id, x.text) for x in found.lines]

    def test_line_by_line(self, known):
        spans = [(who, a, b, text) for _, who, a, b, text in known_film.SAID]
        assert self.lines(known, *spans) == [(f"u000{n}", text) for n, text in enumerate(INTO["pt"], 1)]

    def test_sentences_that_a_transcript_has_as_one(self, known):
        merged = self.lines(known, ("S1", 0.5, 4.0, "x"), ("S1", 4.5, 5.5, "y"))
        assert merged == [
            ("u0001", "Uma primeira linha baixa. Essa segunda linha alta."),
            ("u0002", "Aquela terceira linha baixa."),
        ]

    def test_a_sentence_in_two_lines_is_said_once(self, known):
        split = self.lines(
            known, ("S1", 0.5, 1.0, "x"), ("S1", 1.0, 2.0, "y"), ("S2", 2.5, 4.0, "z"), ("S1", 4.5, 5.5, "w")
        )
        assert [name for name, _ in split] == ["u0002", "u0003", "u0004"]
        assert " ".join(text for _, text in split) == " ".join(INTO["pt"])

    def test_lines_have_a_length_and_one_wording(self, known):
        from builders import transcript

        (found,) = true_translation(known, transcript(("S1", 0.5, 5.5, "x"))).lines
        assert (found.speaker, found.source_text) == ("S1", "x")
        assert [c.text for c in found.candidates] == [found.text]
        assert found.duration == found.candidates[0].duration > 1

    def test_another_language_is_refused(self, known):
        with pytest.raises(BadInput, match=r"no reference translation into 'fr'.*There is one into: pt\."):
            oracle.translations_of(dataclasses.replace(known, target="fr"))
