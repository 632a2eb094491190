"""Files and finished dubs that no run made: scores by hand, and what cannot be scored is refused."""

from __future__ import annotations

import pytest

from data.truth import CastMember, SpokenLine, Truth, turns_of
from dubkit.errors import BadInput
from evaluation.files import dub_scores, pair_scores

JUDGE = "faster-whisper:packaged-base"
CUES = """1
00:00:00,000 --> 00:00:02,000
the cat sat down

2
00:00:03,000 --> 00:00:05,000
on grass
"""


@pytest.fixture
def put(tmp_path):
    """Writes a file and gives its path."""

    def write(name, text, encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


def rttm(*turns):
    return "".join(f"SPEAKER f 1 {a:.3f} {b - a:.3f} <NA> <NA> {who} <NA> <NA>\n" for a, b, who in turns)


class TestPairs:
    def test_turns(self, put):
        # One of ten seconds missed, and two of another's taken for the first.
        truth = put("a.rttm", ";; a comment\n\n" + rttm((0, 5, "ana"), (5, 10, "rui")))
        found = put("b.rttm", rttm((0, 7, "S1"), (7, 9, "S2")))
        result = pair_scores(truth, found)
        assert result.value("diarization.missed") == pytest.approx(0.1)
        assert result.value("diarization.confusion") == pytest.approx(0.2)
        assert result.value("diarization.der") == pytest.approx(0.3)
        assert (result.suite, result.system) == ("files", "b.rttm")

    def test_texts_as_they_were_said(self, put):
        truth, found = put("a.txt", "the cat sat down\non grass\n"), put("b.txt", "the cat down\non grass\n")
        result = pair_scores(truth, found, language="en")
        assert result.value("asr.wer") == pytest.approx(1 / 6)
        assert len(result.samples[result.samples["measure"] == "asr.wer"]) == 2

    def test_texts_as_translations(self, put):
        truth = put("a.txt", "The cat sat on the mat today.\n")
        result = pair_scores(truth, truth, language="en", translation=True)
        assert result.value("translation.bleu") == pytest.approx(100)
        assert result.value("translation.chrf") == pytest.approx(100)
        assert "asr.wer" not in set(result.scores["measure"])

    @pytest.mark.parametrize("name", ["b.srt", "b.vtt", "B.SRT"])
    def test_subtitles_have_words_and_times(self, put, name):
        late = CUES.replace("00,000 -->", "00,500 -->").replace("down", "town").replace("03,000", "03,500")
        text = f"WEBVTT\n\n{late.replace(',', '.')}" if name.endswith("vtt") else late
        result = pair_scores(put("a.srt", CUES), put(name, text), language="en")
        assert result.value("asr.wer") == pytest.approx(1 / 6)
        assert result.value("timing.onset") == pytest.approx(0.5)
        assert result.value("timing.end") == pytest.approx(0.0)

    def test_a_file_against_itself_is_perfect(self, put):
        result = pair_scores(put("a.srt", CUES), put("b.srt", CUES), translation=True)
        assert result.value("translation.chrf") == pytest.approx(100)
        assert result.value("timing.overlap") == 1 and result.value("timing.onset") == 0

    def test_unlike_kinds_and_unknown_ones_are_refused(self, put):
        with pytest.raises(BadInput, match=r"'a\.rttm' and 'b\.txt' are of different kinds"):
            pair_scores(put("a.rttm", ""), put("b.txt", ""))
        with pytest.raises(
            BadInput, match=r"'a\.mp4' is of no kind.*\.rttm, \.txt, \.srt, \.vtt; for films there is `dub`"
        ):
            pair_scores(put("a.mp4", ""), put("b.mp4", ""))

    def test_a_missing_file_is_named(self, put, tmp_path):
        with pytest.raises(BadInput, match=r"There is no file '.*none\.txt'"):
            pair_scores(put("a.txt", "x"), tmp_path / "none.txt")

    @pytest.mark.parametrize("bad", ["SPEAKER f 1 zero 1 <NA> <NA> S1\n", "SPEAKER f 1 0 1\n"])
    def test_a_line_that_is_no_rttm_is_told_by_its_number(self, put, bad):
        with pytest.raises(BadInput, match=r"Line 3 of 'b\.rttm' is no RTTM"):
            pair_scores(put("a.rttm", rttm((0, 1, "a"))), put("b.rttm", rttm((0, 1, "a"), (1, 2, "b")) + bad))

    def test_as_many_lines_and_cues_are_wanted(self, put):
        with pytest.raises(BadInput, match=r"'a\.srt' has 2 cues, 'b\.srt' 1"):
            pair_scores(put("a.srt", CUES), put("b.srt", CUES.partition("2\n")[0]))
        with pytest.raises(BadInput, match=r"2.*1|1.*2"):
            pair_scores(put("a.txt", "one\ntwo"), put("b.txt", "one"), language="en")

    @pytest.mark.parametrize("name", ["a.txt", "a.rttm", "a.srt"])
    def test_a_file_in_another_code_is_refused(self, put, name):
        path = put(name, "é", encoding="latin-1")
        with pytest.raises(BadInput, match=r"UTF-8"):
            pair_scores(path, path, language="en")

    @pytest.mark.parametrize("name", ["a.txt", "a.rttm", "a.srt"])
    def test_an_empty_file_is_refused(self, put, name):
        with pytest.raises(BadInput):
            pair_scores(put(name, ""), put(name, ""), language="en")


def said(name, start, end, text, who="a"):
    return SpokenLine(id=name, speaker=who, gender="male", start=start, end=end, text=text)


def words(first, last):
    return " ".join(f"low{n}" for n in range(first, last + 1))


@pytest.fixture
def truth(tmp_path):
    """What the stand-in recogniser hears in six seconds, a word each quarter of a second, and a line that nobody says."""
    lines = (
        said("u1", 0, 2, "um"), said("u2", 2, 4, "dois", "b"), said("u3", 4, 5.9, "três"), said("u4", 5.9, 6, "quatro", "b"),
    )  # fmt: skip
    people = (CastMember(id="a", name="A", gender="male"), CastMember(id="b", name="B", gender="female"))
    folder = tmp_path / "truth"
    folder.mkdir()
    Truth(
        id="talk", title="T", language="pt", duration=6.0, may_overlap=False, speakers=people, turns=turns_of(lines),
        utterances=lines, translations={"en": (words(1, 8), words(9, 16), words(17, 24), "nobody hears this")},
    ).save(folder)  # fmt: skip
    return folder / "truth.json"


class TestDubs:
    """By stand-ins for the recogniser and the judge of gender; quality and voice prints are real."""

    def test_with_a_truth_words_times_and_texts_are_scored(self, backends, talk, truth, tmp_path):
        result = dub_scores(talk, talk, "en", truth=truth, store=tmp_path / "store", judge=JUDGE)
        # A letter and a figure are two words, so three of 51 are not heard: the end of a line.
        assert result.value("intelligibility.wer") == pytest.approx(3 / 51)
        assert result.value("timing.cut_words") == pytest.approx(3 / 51)
        assert result.value("timing.onset") == pytest.approx(0.0, abs=1e-6)
        assert result.value("end_to_end.asr_chrf") > 80
        # The judge takes the second line's high tone for a woman, as it should.
        assert result.value("gender.dub_accuracy") == 1
        assert result.value("sync.av_offset") in (0, pytest.approx(float("nan"), nan_ok=True))
        lines = result.lines.set_index("id")
        assert lines["heard"].to_dict() == {"u1": words(1, 8), "u2": words(9, 16), "u3": words(17, 24) + ".", "u4": ""}
        assert (lines.loc["u2", "start"], lines.loc["u2", "end"]) == (2.0, 3.95)
        # What nobody hears has no length.
        assert lines.loc["u4", "start"] == lines.loc["u4", "end"]

    def test_with_subtitles_alone_there_is_no_reference(self, backends, talk, tmp_path, put):
        cues = put(
            "dub.vtt",
            f"WEBVTT\n\n00:00.500 --> 00:03.000\n{words(1, 12)}\n\n00:03.000 --> 00:06.000\n{words(13, 24)}\n",
        )
        result = dub_scores(talk, talk, "en", cues=cues, store=tmp_path / "store", judge=JUDGE)
        assert result.value("intelligibility.wer") == 0
        # The first is heard half a second before its cue, the second on time.
        assert result.value("timing.onset") == pytest.approx(0.25)
        assert not {m for m in result.scores["measure"] if m.startswith(("end_to_end.", "asr.", "diarization."))}
        assert result.lines["id"].to_list() == ["c0001", "c0002"]

    def test_with_neither_only_the_sound_is_scored(self, backends, talk, tmp_path):
        result = dub_scores(talk, talk, "en", store=tmp_path / "store", judge=JUDGE)
        assert result.value("background.kept_si_sdr") == pytest.approx(40) and result.value("loudness.integrated") < 0
        assert not {m for m in result.scores["measure"] if m.startswith(("intelligibility.", "timing.", "voices."))}

    def test_a_dub_is_read_once(self, backends, talk, tmp_path):
        for _ in range(2):
            dub_scores(talk, talk, "en", store=tmp_path / "store", judge=JUDGE)
        assert backends.asked["transcriber"] == 1

    @pytest.mark.parametrize("text", ["{}", "no json", '{"id": 3}'])
    def test_what_is_no_truth_is_refused_before_anything_is_heard(self, backends, talk, put, tmp_path, text):
        with pytest.raises(BadInput, match=r"'truth\.json' is no truth"):
            dub_scores(talk, talk, "en", truth=put("truth.json", text), store=tmp_path / "store", judge=JUDGE)
        assert not backends.asked

    def test_missing_files_are_named(self, talk, tmp_path):
        for given in ({"dubbed": tmp_path / "none.mp4"}, {"source": tmp_path / "none.mp4"}, {"truth": tmp_path / "none.json"},
                      {"cues": tmp_path / "none.srt"}):  # fmt: skip
            with pytest.raises(BadInput, match=r"There is no file '.*none\."):
                dub_scores(
                    **{"source": talk, "dubbed": talk, "target": "en", "store": tmp_path / "s", "judge": JUDGE, **given}
                )
        assert not (tmp_path / "s").exists()

    def test_subtitles_that_are_none_are_refused(self, backends, talk, tmp_path, put):
        with pytest.raises(BadInput):
            dub_scores(talk, talk, "en", cues=put("a.srt", "hello"), store=tmp_path / "store", judge=JUDGE)
        assert not backends.asked
