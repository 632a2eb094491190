"""How well lengths are foretold, and rates kept: docs/durations.md, and the model in dubkit/durations.json.

    python benchmarks/durations.py            # fit and write, from the measurements in benchmarks/durations.json
    python benchmarks/durations.py speak      # measure lengths anew (three minutes of processor time), then the same
    python benchmarks/durations.py rates      # measure rates anew, with whisper-base reading back, then the same

Kokoro's own prediction is mostly within 1 % of its clips (the table says so), at 4 % of the work. The model is therefore
fitted on predicted lengths of many texts and voices and on the clips of one voice per language, and judged by the clips
alone, each sentence by a model fitted without it.
"""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from dubkit.artefacts import Voice
from dubkit.backends.kokoro import styles as kokoro_styles
from dubkit.backends.kokoro.synthesizer import Kokoro
from dubkit.backends.protocols import Compute, Request
from dubkit.durations import FEATURES, OTHER, counted, expected_duration

HERE = Path(__file__).parent
KEPT = HERE / "durations.json"
MODEL = HERE.parent / "dubkit" / "durations.json"
TEXTS: dict[str, list[str]] = tomllib.loads((HERE / "sentences.toml").read_text(encoding="utf-8"))
PAIRS = ((4, 7), (6, 0), (10, 2), (1, 11), (5, 9))
"""Sentences said one after the other, for the pauses between them."""
SHORT = {
    "en": ["Yes.", "No!", "What?", "Thank you.", "Come here!", "I know."],
    "es": ["Sí.", "¡No!", "¿Qué?", "Gracias.", "¡Ven aquí!", "Lo sé."],
    "fr": ["Oui.", "Non !", "Quoi ?", "Merci.", "Viens ici !", "Je sais."],
    "it": ["Sì.", "No!", "Cosa?", "Grazie.", "Vieni qui!", "Lo so."],
    "pt": ["Sim.", "Não!", "O quê?", "Obrigado.", "Venha cá!", "Eu sei."],
}
IN_EVERY_VOICE = (0, 1, 3, 7)
TRUSTED = 1.5
"""Seconds; shorter lines are fitted on clips only, as Kokoro's own prediction falls short of them."""
PRIOR, OWN_PRIOR = 0.01, 0.03
"""Weights of the ridge: of the common set towards nothing, and of a language's towards the common one."""

RATED = (0, 2, 10)
RATES = (0.8, 1.0, 1.15, 1.3, 1.45)
RATED_VOICES = {
    "en": ("af_heart",),
    "es": ("em_alex",),
    "fr": ("ff_siwis",),
    "it": ("if_sara",),
    "pt": ("pf_dora", "pm_alex+am_michael"),
}

Kept = dict[str, Any]


def main(*wanted: str) -> None:
    """Measure what is asked for, fit, and write the model and the page."""
    kept: Kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    if "speak" in wanted:
        kept["lengths"] = list(_lengths())
    if "rates" in wanted:
        kept["rates"] = list(_rates())
    if wanted:
        _save(KEPT, kept)
    lengths = kept["lengths"]
    _save(MODEL, fitted(lengths))
    page = "\n".join([*_page_of_lengths(lengths), "", *_page_of_rates(kept["rates"])])
    (HERE.parent / "docs" / "durations.md").write_text(page + "\n", encoding="utf-8")


def _voice(style: str, language: str) -> Voice:
    return Voice(id=f"kokoro:{style}", language=language, gender="unknown", name=style)


def _lengths() -> Iterator[dict[str, Any]]:
    """Texts, their predicted lengths by several voices, and the lengths of one voice's clips."""
    synthesizer = Kokoro.from_spec("", Compute())
    for language, styles in kokoro_styles.STYLES.items():
        texts = TEXTS[language]
        aloud = [*texts, *SHORT[language]]
        clips = list(synthesizer.synthesize([Request(t, _voice(styles[0], language)) for t in aloud]))
        for style in styles:
            pairs = [f"{texts[a]} {texts[b]}" for a, b in PAIRS]
            every = [*texts, *pairs, *SHORT[language], *_dialogue(language)]
            for text in every if style in styles[:2] else [texts[n] for n in IN_EVERY_VOICE]:
                row = {"language": language, "style": style, "text": text}
                row["predicted"] = round(synthesizer.predict(Request(text, _voice(style, language))), 3)
                if style == styles[0] and text in aloud:
                    row["spoken"] = round(len(clips[aloud.index(text)]) / synthesizer.sample_rate, 3)
                yield row
        print(language, flush=True)


def _dialogue(language: str) -> list[str]:
    """The lines of the project's own dialogue, where there is one in the language."""
    path = HERE.parent / "data" / "dialogues" / f"{language}.toml"
    lines = tomllib.loads(path.read_text(encoding="utf-8"))["lines"] if path.exists() else []
    return [" ".join(line["text"]) for line in lines]


def fitted(lengths: list[dict[str, Any]]) -> dict[str, Any]:
    """The model: coefficients by language, for its usual voice, and each voice's factor to that."""
    factors = _factors(lengths)
    found = _sets(lengths, factors)
    return {
        "made_by": "benchmarks/durations.py",
        "features": FEATURES,
        "coefficients": {language: [round(float(c), 5) for c in found[language]] for language in sorted(found)},
        "voices": {f"kokoro:{style}": round(factors[style], 3) for style in sorted(factors)},
    }


def _factors(lengths: list[dict[str, Any]], without: str = "") -> dict[str, float]:
    """How much longer each voice takes than its language's voices do on average, on the sentences that all say."""
    shared = {language: [texts[n] for n in IN_EVERY_VOICE] for language, texts in TEXTS.items()}
    taken: dict[str, dict[str, float]] = {}
    for row in lengths:
        if row["text"] in shared[row["language"]] and row["text"] != without:
            logs = taken.setdefault(row["language"], {})
            logs[row["style"]] = logs.get(row["style"], 0.0) + float(np.log(row["predicted"]))
    n_said = {language: len([t for t in texts if t != without]) for language, texts in shared.items()}
    return {
        style: float(np.exp((log - np.mean(list(logs.values()))) / n_said[language]))
        for language, logs in taken.items()
        for style, log in logs.items()
    }


def _sets(lengths: list[dict[str, Any]], factors: dict[str, float], without: str = "") -> dict[str, np.ndarray]:
    """Coefficients by language, and :data:`OTHER`'s; from texts that do not hold the one left out."""
    rows: dict[str, tuple[list[tuple[int, ...]], list[float]]] = {}
    for row in lengths:
        if (without and without in row["text"]) or not _trusted(row):
            continue
        counts = counted(row["text"], row["language"])
        assert counts is not None
        features, seconds = rows.setdefault(row["language"], ([], []))
        features.append(counts)
        seconds.append(row.get("spoken", row["predicted"]) / factors[row["style"]])
    found = {OTHER: _ridge(rows, PRIOR, np.zeros(len(FEATURES)))}
    for language in rows:
        others = {k: v for k, v in rows.items() if k != language}
        found[language] = _ridge({language: rows[language]}, OWN_PRIOR, _ridge(others, PRIOR, np.zeros(len(FEATURES))))
    return found


def _trusted(row: dict[str, Any]) -> bool:
    return "spoken" in row or row["predicted"] >= TRUSTED


def _ridge(rows: dict[str, tuple[list[tuple[int, ...]], list[float]]], weight: float, prior: np.ndarray) -> np.ndarray:
    """Least squares towards a prior; every language counts alike, every feature on its own scale.

    Errors are relative for long lines and absolute for short ones, whose relative ones would count for too much.
    """
    scaled, aims = [], []
    for features, seconds in rows.values():
        lengths = np.array(seconds)
        weights = 1 / (lengths + 1.0) / np.sqrt(len(lengths))
        scaled.append(np.array(features, float) * weights[:, None])
        aims.append(lengths * weights)
    matrix, aim = np.vstack(scaled) / np.sqrt(len(rows)), np.concatenate(aims) / np.sqrt(len(rows))
    scale = np.sqrt((matrix**2).sum(axis=0)) + 1e-12
    # Nothing that is counted takes negative time.
    kept = np.sqrt(weight) * np.eye(len(scale))
    found, _ = nnls(np.vstack([matrix / scale, kept]), np.concatenate([aim, kept @ (prior * scale)]))
    return found / scale


def _errors(lengths: list[dict[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """Absolute relative errors on the clips by language (:data:`SHORT` ones apart) and way to foretell."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in (r for r in lengths if "spoken" in r):
        language, text, spoken = row["language"], row["text"], row["spoken"]
        factors = _factors(lengths, text)
        sets = _sets(lengths, factors, text)
        foreign = _sets([r for r in lengths if r["language"] != language], factors)[OTHER]
        counts = np.array(counted(text, language), float)
        foretold = {
            "rule": expected_duration(text),
            "model": float(counts @ sets[language]) * factors[row["style"]],
            "model, voice unknown": float(counts @ sets[language]),
            "model, language unknown": float(counts @ foreign),
            "native": row["predicted"],
        }
        group = "one to three words" if text in SHORT[language] else language
        for way, seconds in foretold.items():
            found.setdefault(group, {}).setdefault(way, []).append(abs(seconds / spoken - 1))
    return found


def _page_of_lengths(lengths: list[dict[str, Any]]) -> list[str]:
    errors = _errors(lengths)
    ways = list(next(iter(errors.values())))
    short = errors.pop("one to three words")
    errors["all sentences"] = {way: [e for language in errors for e in errors[language][way]] for way in ways}
    errors["one to three words"] = short
    n_clips, used = sum("spoken" in r for r in lengths), [r for r in lengths if _trusted(r)]
    names = ["syllable rule", "fitted model", "fitted, voice unknown", "fitted, language unknown", "Kokoro's own"]
    return [
        "# How long speech will be",
        "",
        f"`benchmarks/durations.py`: absolute error of foretold lengths against {n_clips} clips of Kokoro, one voice for each "
        "language, median and 90th percentile. Syllable rule: `dubkit.durations.expected_duration`. Fitted model: "
        f"`natural_duration`, fitted on {len(used)} lengths of {len({r['text'] for r in used})} texts in "
        f"{len({r['style'] for r in used})} "
        "voices, without the sentence that it is judged by; without knowing the voice; and fitted on the other languages "
        "only, as it stands for a language that nothing was fitted for. Kokoro's own: `predict`, at 4 % of the work. One to "
        "three words: lines such as “Thank you.”, of all five languages.",
        "",
        f"| language | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
        *(
            f"| {language} | "
            + " | ".join("{:.1%}, {:.1%}".format(*np.percentile(of[way], [50, 90])) for way in ways)
            + " |"
            for language, of in errors.items()
        ),
        "",
        "Clips last 0.4 to 7 s. Other synthesizers have other paces, which nothing here measures.",
    ]


def _rates() -> Iterator[dict[str, float]]:
    """At each rate: errors of the prediction, how well the rate is kept, and how well the speech can be read back."""
    import jiwer
    from faster_whisper import WhisperModel
    from voices import words

    from dubkit.audio import resample
    from dubkit.backends import weights

    synthesizer = Kokoro.from_spec("", Compute())
    whisper = WhisperModel(str(weights.folder("whisper-base")), device="cpu", compute_type="int8", cpu_threads=2)
    predicted, kept = ({rate: [] for rate in RATES} for _ in range(2))
    read = {rate: ([], []) for rate in RATES}
    for language, styles in RATED_VOICES.items():
        for style in styles:
            said = [TEXTS[language][n] for n in RATED]
            lengths = {}
            for rate in sorted(RATES, key=lambda r: r != 1.0):
                requests = [Request(text, _voice(style, language), rate) for text in said]
                clips = list(synthesizer.synthesize(requests))
                lengths[rate] = np.array([len(c) / synthesizer.sample_rate for c in clips])
                foretold = np.array([synthesizer.predict(r) for r in requests])
                predicted[rate] += list(np.abs(foretold / lengths[rate] - 1))
                kept[rate] += list(lengths[1.0] / lengths[rate] / rate)
                for text, clip in zip(said, clips, strict=True):
                    heard = whisper.transcribe(resample(np.pad(clip, 4800), 24000, 16000), language=language)[0]
                    read[rate][0].append(words(text))
                    read[rate][1].append(words(" ".join(s.text for s in heard)))
            print(language, style, flush=True)
    for rate in RATES:
        names = ("error_50", "error_90", "kept_5", "kept_50", "kept_95")
        figures = [*np.percentile(predicted[rate], [50, 90]), *np.percentile(kept[rate], [5, 50, 95])]
        yield {
            "rate": rate,
            **{n: round(float(f), 4) for n, f in zip(names, figures, strict=True)},
            "wer": round(jiwer.wer(*read[rate]), 3),
        }


def _page_of_rates(rates: list[dict[str, float]]) -> list[str]:
    n_voices = sum(map(len, RATED_VOICES.values()))
    return [
        "## Rates of Kokoro's speech",
        "",
        f"`benchmarks/durations.py rates`: {len(RATED)} sentences by {n_voices} voices in {len(RATED_VOICES)} languages at each "
        "rate. Prediction error: of `predict` against the clip, absolute. Rate kept: natural length over length, over the "
        "rate asked for (1 is exact). WER: whisper-base on the clips.",
        "",
        "| rate | prediction error, median | 90th percentile | rate kept, median | 5th to 95th percentile | WER |",
        "|---|---|---|---|---|---|",
        *(
            f"| {r['rate']} | {r['error_50']:.1%} | {r['error_90']:.1%} | {r['kept_50']:.3f} | "
            f"{r['kept_5']:.3f} to {r['kept_95']:.3f} | {r['wer']:.3f} |"
            for r in rates
        ),
    ]


def _save(path: Path, what: Any) -> None:
    # One measurement a line.
    if isinstance(what.get("lengths"), list):
        parts = [
            json.dumps(key) + ": [\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"
            for key, rows in what.items()
        ]
        text = "{" + ",\n".join(parts) + "}"
    else:
        text = json.dumps(what, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
