"""How fast the full-strength models are here: batched by dubkit, against one item at a time by plain transformers.

    python benchmarks/models.py                              # on a GPU: large-v3, 3.3B and MMS, batches of 1 and 16
    python benchmarks/models.py --whisper base --nllb 600M   # on a processor

Random weights of the real sizes (benchmarks/random_models.py) take as long as real ones. Every row runs in a process of
its own, warmed up by one item, over the same items with the same number of tokens each. The baselines are
``pipeline("automatic-speech-recognition")`` and ``pipeline("text-to-audio")``, one item at a time, and for NLLB, for which
transformers 5 has no pipeline, ``generate`` one text at a time; all in the precision that dubkit takes on the device. Word
times, confidences and five candidates a line are dubkit's in addition. The last column is throughput over the baseline's.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import random_models

SECONDS = 8.0
RATE = 16_000
TOKENS = 32


def sounds(n: int) -> list[np.ndarray]:
    """Noise that swells, as many clips as asked for, all equally long."""
    noise = np.random.default_rng(0)
    swell = np.linspace(0.1, 1, round(SECONDS * RATE), dtype=np.float32)
    return [0.3 * swell * noise.standard_normal(len(swell), dtype=np.float32) for _ in range(n)]


def texts(n: int) -> list[str]:
    """Sentences of about 25 tokens, each a little different."""
    return ["".join("abcdefghijklmnopqrstuvwxyz"[(k + 3 * j) % 26] for j in range(22)) for k in range(n)]


def lines(n: int) -> list[str]:
    """Sentences that a voice needs some seconds for."""
    return [f"this is line number {k} of a film that somebody wants to hear in another language" for k in range(n)]


def place() -> tuple[str, Any]:
    """Device, and the precision that dubkit takes there."""
    import torch

    return ("cuda", torch.float16) if torch.cuda.is_available() else ("cpu", torch.float32)


def compute(batch: int) -> Any:
    """Where and how dubkit's back ends run."""
    from dubkit.backends.protocols import Compute

    return Compute(batch_size=batch)


def whisper_plain(folder: Path, beams: int, n: int) -> Callable[[list[Any]], float]:
    """Transformers' own pipeline, clip by clip; gives seconds of sound."""
    from transformers import pipeline

    device, dtype = place()
    heard = pipeline("automatic-speech-recognition", model=str(folder), device=device, dtype=dtype)
    told = {"language": "english", "task": "transcribe", "num_beams": beams, "max_new_tokens": TOKENS}

    def work(clips: list[Any]) -> float:
        for clip in clips:
            heard({"raw": clip, "sampling_rate": RATE}, generate_kwargs=dict(told))
        return len(clips) * SECONDS

    return work


def whisper_ours(folder: Path, beams: int, batch: int) -> Callable[[list[Any]], float]:
    """Dubkit's back end."""
    from dubkit.backends.whisper.transcriber import Whisper

    backend = Whisper.from_spec(str(folder), compute(batch))
    believe_everything()
    return lambda clips: sum(SECONDS for _ in backend.transcribe(clips, "en", beam_size=beams))


def faster_whisper_ours(folder: Path, beams: int, batch: int) -> Callable[[list[Any]], float]:
    """Dubkit's CTranslate2 back end on the same weights, converted."""
    from ctranslate2.converters import TransformersConverter

    from dubkit.backends.whisper.faster import FasterWhisper

    converted = folder.with_name(folder.name + "-ct2")
    if not converted.exists():
        files = ["tokenizer.json", "preprocessor_config.json"]
        present = [f for f in files if (folder / f).exists()]
        TransformersConverter(str(folder), copy_files=present).convert(str(converted), quantization="float16")
    backend = FasterWhisper.from_spec(str(converted), compute(batch))
    believe_everything()
    return lambda clips: sum(SECONDS for _ in backend.transcribe(clips, "en", beam_size=beams))


def nllb_plain(folder: Path, beams: int, n: int) -> Callable[[list[Any]], float]:
    """One text at a time through ``generate``; gives tokens."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, NllbTokenizer

    device, dtype = place()
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=dtype).to(device).eval()
    tokenizer = NllbTokenizer.from_pretrained(folder, src_lang="eng_Latn")
    start = tokenizer.convert_tokens_to_ids("por_Latn")

    def work(said: list[Any]) -> float:
        for text in said:
            given = tokenizer(text, return_tensors="pt").to(device)
            with torch.inference_mode():
                model.generate(
                    **given, forced_bos_token_id=start, num_beams=beams, max_new_tokens=TOKENS, max_length=None
                )
        return len(said) * TOKENS

    return work


def nllb_ours(folder: Path, beams: int, batch: int) -> Callable[[list[Any]], float]:
    """Dubkit's back end, five candidates each."""
    from dubkit.backends.nllb import translator as nllb

    nllb.LONGEST_OUTPUT = TOKENS
    backend = nllb.Nllb.from_spec(str(folder), compute(batch))
    believe_everything()
    return lambda said: words(backend.translate(said, "en", "pt"))


def nllb_ct2_ours(folder: Path, beams: int, batch: int) -> Callable[[list[Any]], float]:
    """Dubkit's CTranslate2 back end on the same weights, which it converts at first use."""
    import os

    from dubkit.backends.nllb import ct2 as nllb_ct2

    os.environ["DUBKIT_CACHE"] = str(folder.parent)
    nllb_ct2.LONGEST_OUTPUT = TOKENS
    backend = nllb_ct2.NllbCt2.from_spec(str(folder), compute(batch))
    believe_everything()
    return lambda said: words(backend.translate(said, "en", "pt"))


def words(lines: Iterable[Any]) -> float:
    """Tokens of the best candidates: in the made-up vocabulary every word is one."""
    return sum(len(candidates[0].text.split()) for candidates in lines)


def mms_plain(folder: Path, beams: int, n: int) -> Callable[[list[Any]], float]:
    """Transformers' own pipeline, line by line; gives seconds of sound."""
    from transformers import pipeline

    speak = pipeline("text-to-audio", model=str(folder / "eng"), device=place()[0])
    return lambda said: sum(np.asarray(speak(line)["audio"]).size / RATE for line in said)


def mms_ours(folder: Path, beams: int, batch: int) -> Callable[[list[Any]], float]:
    """Dubkit's back end."""
    from dubkit.backends.mms.synthesizer import Mms
    from dubkit.backends.protocols import Request

    backend = Mms.from_spec(str(folder), compute(batch))
    # Without a shift of pitch, which ffmpeg does on the processor.
    (voice,) = (v for v in backend.voices("en") if v.id == "mms:en")

    def work(said: list[Any]) -> float:
        return sum(len(clip) / RATE for clip in backend.synthesize([Request(line, voice) for line in said]))

    return work


def believe_everything() -> None:
    """What random weights write would be dropped or read again as loops and text on silence; and it never ends."""
    from dubkit.backends.nllb import guard as translation_guard
    from dubkit.backends.whisper import guard as whisper_guard
    from dubkit.backends.whisper.guard import Draft

    translation_guard.strays = lambda source, said: False

    # Four tokens a second are an ordinary talker's.
    whisper_guard._TOKENS_PER_SECOND = 1
    whisper_guard._CUTS = 0

    for verdict in ("nothing_said", "looping", "doubtful"):
        setattr(Draft, verdict, False)


ROWS: dict[str, tuple[str, Callable[..., Callable[[list[Any]], float]], Callable[[int], list[Any]]]] = {
    "whisper plain": ("whisper", whisper_plain, sounds),
    "whisper": ("whisper", whisper_ours, sounds),
    "faster-whisper": ("whisper", faster_whisper_ours, sounds),
    "nllb plain": ("nllb", nllb_plain, texts),
    "nllb": ("nllb", nllb_ours, texts),
    "nllb-ct2": ("nllb", nllb_ct2_ours, texts),
    "mms plain": ("mms", mms_plain, lines),
    "mms": ("mms", mms_ours, lines),
}


def measured(row: str, folder: Path, beams: int, batch: int, n: int) -> dict[str, float]:
    """Throughput, and peak memory in GB, of one row in this process."""
    import torch

    _, make, items = ROWS[row]
    work = make(folder, beams, batch)
    given = items(n)
    work(given[: max(1, batch)])
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    begun = time.perf_counter()
    done = work(given)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    seconds = time.perf_counter() - begun
    peak = torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0
    peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"throughput": done / seconds, "seconds": seconds, "peak": peak}


def together(folders: dict[str, Path], batch: int) -> float:
    """Peak memory in GB with all three models loaded and at work one after the other in one process."""
    import torch

    for name in ("whisper", "nllb", "mms"):
        _, make, items = ROWS[name]
        kept.append(make(folders[name], 5, batch))
        kept[-1](items(batch))
    return float(torch.cuda.max_memory_allocated() / 1e9)


kept: list[Any] = []


def apart(*arguments: object) -> dict[str, Any]:
    """What this script answers in a process of its own."""
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Make the models, measure every row, print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whisper", choices=[*random_models.WHISPER], default="large-v3")
    parser.add_argument("--nllb", choices=[*random_models.NLLB], default="3.3B")
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 5], help="of Whisper; NLLB has five")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--items", type=int, default=32)
    parser.add_argument("--rows", nargs="+", default=[*ROWS], choices=[*ROWS])
    parser.add_argument("--folder", type=Path, help="where models are made, to be used again")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--together", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        row, folder, beams, batch, n = chosen.one
        print(json.dumps(measured(row, Path(folder), int(beams), int(batch), int(n))))
        return
    if chosen.together:
        *paths, batch = chosen.together
        folders = dict(zip(("whisper", "nllb", "mms"), map(Path, paths), strict=True))
        print(json.dumps({"peak": together(folders, int(batch))}))
        return
    with tempfile.TemporaryDirectory() as scratch:
        table(chosen, chosen.folder or Path(scratch))


def table(chosen: argparse.Namespace, home: Path) -> None:
    """Measure and print."""
    import torch

    sizes = {"whisper": chosen.whisper, "nllb": chosen.nllb}
    folders = {name: home / f"{name}-{sizes.get(name, 'eng')}" for name in ("whisper", "nllb", "mms")}
    for name in {ROWS[row][0] for row in chosen.rows}:
        if not folders[name].exists():
            make = getattr(random_models, name)
            make(folders[name], *([sizes[name]] if name in sizes else []))
    device = (
        torch.cuda.get_device_name() if torch.cuda.is_available() else f"a processor, {torch.get_num_threads()} cores"
    )
    print(f"On {device}; {chosen.items} items of {SECONDS:g} s (Whisper), {TOKENS} tokens (NLLB) or one line (MMS).\n")
    print("| model | how | beams | batch | throughput | peak GB | over plain |\n|---|---|---:|---:|---:|---:|---:|")
    for row in chosen.rows:
        name = ROWS[row][0]
        unit = "tokens/s" if name == "nllb" else "x real time"
        model = f"{name} {sizes.get(name, '')}".strip()
        for beams in chosen.beams if name == "whisper" else [5]:
            for batch in [1] if row.endswith("plain") else chosen.batch:
                found = apart("--one", row, folders[name], beams, batch, chosen.items)
                if row.endswith("plain"):
                    baseline[name, beams] = found["throughput"]
                ratio = found["throughput"] / baseline.get((name, beams), float("nan"))
                how = "transformers, one by one" if row.endswith("plain") else f"dubkit {row}"
                figures = f"{found['throughput']:.1f} {unit} | {found['peak']:.1f} | {ratio:.2f}"
                print(f"| {model} | {how} | {beams if name != 'mms' else ''} | {batch} | {figures} |", flush=True)
    if torch.cuda.is_available():
        peak = apart("--together", folders["whisper"], folders["nllb"], folders["mms"], max(chosen.batch))["peak"]
        print(f"\nAll three together at batch {max(chosen.batch)}: {peak:.1f} GB at most.")


baseline: dict[tuple[str, int], float] = {}


if __name__ == "__main__":
    main()
