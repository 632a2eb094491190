"""A scripted conversation: what its truth says is what is in its sound and picture."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from data import dialogue, faces, film, picture
from data.dialogue import SAMPLE_RATE, Line, Script
from data.manifest import HOME
from data.music import compose
from data.narrator import FRAME, Narrator, Said, sounding, word_spans
from data.truth import Truth
from dubkit.artefacts import Word
from dubkit.audio import speech_level
from dubkit.backends.protocols import Compute, Request

SCRIPTS = sorted((HOME / "dialogues").glob("*.toml"))


def tone(seconds: float, frequency: float = 220.0) -> Said:
    """A stand-in for a spoken sentence: a tone with one word in its middle."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = 0.14 * np.sin(2 * np.pi * frequency * times + 0.5)
    return Said(sound.astype(np.float32), (Word(text="la", start=0.1, end=0.2),))


@pytest.fixture(scope="module")
def script() -> Script:
    """Three lines of the English script; the last begins 0.3 s before the one above ends."""
    whole = Script.open(HOME / "dialogues" / "en.toml")
    lines = (Line("maya", 0.5, ("One.", "Two.")), Line("daniel", 0.4, ("Three.",)), Line("maya", -0.3, ("Four.",)))
    return Script(whole.title, whole.subtitle, "en", whole.cast, whole.people, lines)


@pytest.fixture(scope="module")
def recording(script: Script) -> dialogue.Recording:
    return dialogue.record("sample", script, [tone(0.5), tone(0.4), tone(0.7, 110), tone(0.6)])


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
class TestScripts:
    def test_names_only_its_own_speakers(self, path: Path):
        one = Script.open(path)
        assert one.language == path.stem
        assert {line.speaker for line in one.lines} == {member.id for member in one.cast}

    def test_every_sentence_is_translated(self, path: Path):
        one = Script.open(path)
        wanted = {"en": {"pt", "es", "fr", "it"}, "pt": {"en", "es"}, "es": {"en", "pt"}}
        assert set(one.translations) == wanted[path.stem]
        said = [text for _, text in one.sentences()]
        for language, texts in one.translations.items():
            # A question stays one, and a name is kept.
            assert [t.endswith("?") for t in texts] == [t.endswith("?") for t in said], language
            assert all(("Maya" in t) == ("Maya" in s) for t, s in zip(texts, said, strict=True))

    def test_genders_are_those_of_the_voices(self, path: Path):
        from dubkit.backends.kokoro.styles import voices

        known = {voice.id: voice.gender for voice in voices(path.stem)}
        assert all(known[member.voice] == member.gender for member in Script.open(path).cast)

    def test_only_different_speakers_overlap(self, path: Path):
        lines = Script.open(path).lines
        assert lines[0].pause > 0
        assert all(b.pause > 0 or b.speaker != a.speaker for a, b in itertools.pairwise(lines))

    def test_every_sentence_is_one_that_word_times_can_be_told_for(self, path: Path):
        from dubkit.backends.kokoro.phonemes import symbols
        from dubkit.backends.kokoro.styles import accent

        one = Script.open(path)
        voices = {member.id: member.voice.partition(":")[2] for member in one.cast}
        for speaker, sentence in one.sentences():
            written = symbols(sentence, accent(voices[speaker]))
            assert len(word_spans(written, np.ones(len(written) + 2))) == len(sentence.split()), sentence


class TestRecording:
    def test_utterances_lie_where_the_script_puts_them(self, recording):
        times = [time for one in recording.truth.utterances for time in (one.start, one.end)]
        assert times == pytest.approx([0.5, 1.0, 1.28, 1.68, 2.08, 2.78, 2.48, 3.08])
        assert [one.text for one in recording.truth.utterances] == ["One.", "Two.", "Three.", "Four."]
        assert [one.gender for one in recording.truth.utterances] == ["female", "female", "male", "female"]

    def test_word_times_are_times_of_the_film(self, recording):
        times = [time for one in recording.truth.utterances for w in one.words for time in (w.start, w.end)]
        assert times == pytest.approx([0.6, 0.7, 1.38, 1.48, 2.18, 2.28, 2.58, 2.68])

    def test_turns_join_a_speakers_sentences_and_overlap_only_where_said(self, recording):
        turns = recording.truth.turns
        assert [(t.speaker, t.start, t.end) for t in turns] == [
            ("maya", 0.5, pytest.approx(1.68)),
            ("daniel", pytest.approx(2.08), pytest.approx(2.78)),
            ("maya", pytest.approx(2.48), pytest.approx(3.08)),
        ]
        assert [t.start for t in turns] == sorted(t.start for t in turns)
        assert recording.truth.may_overlap

    def test_a_script_without_interruptions_says_that_it_has_no_overlaps(self, script):
        polite = Script(script.title, "", "en", script.cast, script.people, script.lines[:2])
        truth = dialogue.record("sample", polite, [tone(0.5), tone(0.4), tone(0.7)]).truth
        assert not truth.may_overlap
        assert all(a.end <= b.start for a, b in itertools.pairwise(truth.turns))

    def test_the_speech_stem_is_silent_between_utterances_and_only_there(self, recording):
        spoken = np.zeros(len(recording.speech), bool)
        for one in recording.truth.utterances:
            span = slice(round(one.start * SAMPLE_RATE), round(one.end * SAMPLE_RATE))
            spoken[span] = True
            assert np.abs(recording.speech[span]).max() > 3000
        assert not recording.speech[~spoken].any()

    def test_the_mix_is_the_sum_of_its_stems(self, recording):
        total = recording.speech[:, None].astype(int) + recording.music
        assert np.array_equal(recording.mix, total)
        assert np.array_equal(recording.speech, sum(voice.astype(int) for voice in recording.voices.values()))

    def test_the_music_lies_as_far_below_the_speech_as_it_should(self, recording):
        speech = 20 * np.log10(dialogue.SPEECH_LEVEL)
        music = 20 * np.log10(np.sqrt(np.mean((recording.music / 32768) ** 2)))
        assert speech - music == pytest.approx(dialogue.MUSIC_BELOW_SPEECH, abs=0.1)

    def test_other_music_is_repeated_as_needed(self, script):
        click = np.zeros((4800, 2), np.float32)
        click[0] = 0.5
        one = dialogue.record("sample", script, [tone(0.5), tone(0.4), tone(0.7), tone(0.6)], click)
        assert np.flatnonzero(one.music[:, 0]).tolist() == list(range(0, len(one.music), 4800))

    def test_it_lasts_a_whole_number_of_frames(self, recording):
        frames = recording.truth.duration * picture.FPS
        assert frames == pytest.approx(round(frames))
        assert len(recording.mix) == len(recording.speech) == round(recording.truth.duration * SAMPLE_RATE)
        assert recording.truth.duration - 3.08 == pytest.approx(dialogue.SILENCE_AT_THE_END, abs=0.04)

    def test_stems_that_clip_are_refused(self):
        loud = np.full(10, 30000, np.int16)
        with pytest.raises(ValueError, match="clip"):
            dialogue._sum([loud, loud])

    def test_translations_are_part_of_the_truth(self, script):
        whole = replace(script, translations={"pt": ("Um.", "Dois.", "Três.", "Quatro.")})
        one = dialogue.record("sample", whole, [tone(0.5), tone(0.4), tone(0.7), tone(0.6)])
        assert one.truth.translations == {"pt": ("Um.", "Dois.", "Três.", "Quatro.")}

    def test_a_missing_translation_is_noticed(self, tmp_path: Path):
        for name in ("pt.toml", "translations/pt.toml"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text((HOME / "dialogues" / name).read_text().replace('    "Great.",\n', ""))
        with pytest.raises(ValueError, match="16 sentences, but 15 translations into 'en'"):
            Script.open(tmp_path / "pt.toml")

    def test_truth_comes_back_from_disk(self, recording, tmp_path: Path):
        recording.truth.save(tmp_path)
        assert Truth.open(tmp_path) == recording.truth
        assert (tmp_path / "truth.rttm").read_text().splitlines() == [
            "SPEAKER sample 1 0.5000 1.1800 <NA> <NA> maya <NA> <NA>",
            "SPEAKER sample 1 2.0800 0.7000 <NA> <NA> daniel <NA> <NA>",
            "SPEAKER sample 1 2.4800 0.6000 <NA> <NA> maya <NA> <NA>",
        ]
        assert recording.truth.text == "One. Two. Three. Four."


class TestMusic:
    def test_same_length_same_music(self):
        assert np.array_equal(compose(4.0, 16_000), compose(4.0, 16_000))

    def test_fills_its_time_at_a_known_level_and_fades(self):
        music = compose(7.0, 16_000)
        assert music.shape == (112_000, 2)
        assert np.abs(music).max() == pytest.approx(0.5)
        seconds = np.abs(music.reshape(7, 16_000, 2)).max(axis=(1, 2))
        assert (seconds > 0.1).all()
        assert np.abs(music[0]).max() == 0
        assert np.abs(music[-50:]).max() < 1e-3

    def test_is_stereo(self):
        music = compose(4.0, 16_000)
        assert np.abs(music[:, 0] - music[:, 1]).max() > 0.05


class TestPicture:
    @pytest.fixture(scope="class")
    def moments(self, script: Script, recording: dialogue.Recording) -> list[np.ndarray]:
        """Frames at 0.2 s, when nobody speaks, and at 2.4 s, when Daniel does, who stands in the middle."""
        return list(itertools.islice(dialogue.frames(script, recording), 5, 61, 55))

    def test_a_mouth_moves_when_its_owner_speaks(self, moments):
        quiet, talking = moments
        lefts = faces.cell_positions(3)
        rows = slice(faces.CELL_TOP + 200, faces.CELL_TOP + 245)
        mouths = [(rows, slice(left + 130, left + 190)) for left in lefts]
        changed = [bool((quiet[mouth] != talking[mouth]).any()) for mouth in mouths]
        assert changed == [False, True, False]

    def test_everything_but_people_and_waveform_stands_still(self, moments):
        first, last = moments
        assert np.array_equal(first[:140], last[:140])
        assert (first[620] != last[620]).any()

    def test_a_title_card_lasts_as_long_as_its_sound(self):
        sound = tone(1.01).samples
        frames = list(picture.title_card("A title", "below it", sound, SAMPLE_RATE))
        assert len(frames) == 26
        assert frames[0].shape == (720, 1280, 3)
        assert (frames[0] != frames[-1]).any()

    def test_loudness_follows_the_sound(self):
        sound = np.concatenate([np.zeros(4800), np.full(4800, 0.3)])
        assert picture.loudness(sound, 48_000, 10).tolist() == [0.0, 1.0]
        assert picture.loudness(np.zeros(4800), 48_000, 10).tolist() == [0.0]

    def test_the_film_has_picture_and_sound_of_equal_length(self, script, tmp_path: Path):
        alone = {"daniel": script.people["daniel"]}
        short = Script("T", "", "pt", script.cast[1:2], alone, script.lines[1:2])
        one = dialogue.record("sample", short, [tone(0.5)])
        sound, target = tmp_path / "audio.wav", tmp_path / "film.mp4"
        soundfile.write(sound, one.mix, SAMPLE_RATE)
        film.write(dialogue.frames(short, one), sound, target, "pt", "A title")
        with av.open(str(target)) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            assert (video.codec_context.name, video.width, video.height, float(video.average_rate)) == (
                "h264",
                1280,
                720,
                25.0,
            )
            assert (audio.codec_context.name, audio.rate, audio.channels, audio.language) == ("aac", 48_000, 2, "por")
            lengths = [float(stream.duration * stream.time_base) for stream in (video, audio)]
            assert container.metadata["title"] == "A title"
        assert lengths[0] == pytest.approx(one.truth.duration, abs=1e-3)
        assert lengths[1] == pytest.approx(one.truth.duration, abs=1024 / SAMPLE_RATE)
        assert [path.name for path in tmp_path.glob("*.mp4")] == ["film.mp4"]

    def test_a_film_that_cannot_be_made_says_why_and_leaves_nothing(self, tmp_path: Path):
        broken = tmp_path / "audio.wav"
        broken.write_text("no sound")
        frames = [np.zeros((720, 1280, 3), np.uint8)] * 3
        with pytest.raises(RuntimeError, match=r"ffmpeg could not make film\.mp4: .*Invalid data"):
            film.write(frames, broken, tmp_path / "film.mp4", "en", "T")
        assert [path.name for path in tmp_path.iterdir()] == ["audio.wav"]


class TestWordTimes:
    def test_words_lie_where_their_symbols_do(self):
        # Symbols "ab c." with a pad at either end, each a frame long but for the b, which lasts 4.
        spans = word_spans("ab c.", np.array([2, 1, 4, 1, 1, 1, 2]))
        assert np.array(spans) == pytest.approx(np.array([[2, 7], [8, 9]]) * FRAME)

    def test_punctuation_is_no_part_of_a_word(self):
        spans = word_spans("“ab”, — (c)!", np.ones(14))
        assert np.array(spans) == pytest.approx(np.array([[2, 4], [10, 11]]) * FRAME)

    def test_quiet_edges_are_no_part_of_a_word(self):
        sound = np.concatenate([np.zeros(2400), np.full(4800, 0.5), np.zeros(2400)])
        assert sounding(sound, 24_000, (0.05, 0.35)) == pytest.approx((0.1, 0.3))
        assert sounding(sound, 24_000, (0.15, 0.25)) == pytest.approx((0.15, 0.25))
        assert sounding(sound, 24_000, (0.35, 0.6)) == pytest.approx((0.35, 0.4))

    def test_a_sentence_with_joined_words_is_refused(self, narrator):
        voice = next(v for v in narrator.voices("en") if v.id == "kokoro:af_heart")
        with pytest.raises(ValueError, match="7 words but is spoken as 6"):
            list(narrator.say([Request("There is fresh bread on the table.", voice)]))

    @pytest.fixture(scope="class")
    def narrator(self) -> Narrator:
        return Narrator(Compute(threads=1))

    def test_the_sound_is_that_of_the_back_end(self, narrator):
        voice = next(v for v in narrator.voices("en") if v.id == "kokoro:am_michael")
        request = Request("Good morning, Maya.", voice)
        (said,) = narrator.say([request])
        assert np.array_equal(said.samples, next(iter(narrator.synthesize([request]))))
        assert [word.text for word in said.words] == ["Good", "morning,", "Maya."]
        flat = [time for word in said.words for time in (word.start, word.end)]
        assert flat == sorted(flat)
        duration = len(said.samples) / narrator.sample_rate
        assert flat[0] == pytest.approx(0.0, abs=0.1)
        assert flat[-1] == pytest.approx(duration, abs=0.1)

    def test_pauses_lie_between_words(self, narrator):
        voice = next(v for v in narrator.voices("en") if v.id == "kokoro:af_heart")
        (said,) = narrator.say([Request("No, but we have to clean it before Sunday evening.", voice)])
        level = speech_level(said.samples, narrator.sample_rate)
        inside = [said.samples[round(w.start * 24_000) : round(w.end * 24_000)] for w in said.words]
        assert len(inside) == 10
        loudness = [float(np.sqrt(np.mean(part**2))) for part in inside]
        assert min(loudness) > 0.05 * level, dict(zip([w.text for w in said.words], loudness, strict=True))

    def test_speakers_are_equally_loud(self, narrator, script):
        short = Script(
            "", "", "en", script.cast, script.people, (Line("maya", 0, ("Yes.",)), Line("daniel", 0, ("No.",)))
        )
        levels = [speech_level(one.samples, SAMPLE_RATE) for one in dialogue.speak(short, narrator)]
        assert levels == pytest.approx([dialogue.SPEECH_LEVEL] * 2, rel=0.02)


def test_people_are_named_in_the_picture_as_in_the_truth():
    for path in SCRIPTS:
        one = Script.open(path)
        assert {one.people[member.id].name for member in one.cast} == {member.name for member in one.cast}
        assert all(re.fullmatch("long|short|bun", person.hair_style) for person in one.people.values())
