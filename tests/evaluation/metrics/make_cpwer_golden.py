"""Makes cpwer_golden.json with meeteval, which is no dependency: ``pip install meeteval==0.4.3``, then run this file.

meeteval (MIT) needs a C compiler to install. It gets each speaker's words as one text.
"""

import json
import random
from pathlib import Path

import meeteval

SEED = 5
VOCABULARY = ["alpha", "bravo", "delta", "echo", "golf", "hotel"]


def speakers(rng: random.Random, prefix: str, n_speakers: int) -> dict[str, str]:
    return {f"{prefix}{n}": " ".join(rng.choices(VOCABULARY, k=rng.randint(0, 12))) for n in range(n_speakers)}


def damaged(rng: random.Random, texts: dict[str, str], n_speakers: int) -> dict[str, str]:
    """The same words with some lost, replaced, put in, or given to somebody else, under other names."""
    streams: list[list[str]] = [[] for _ in range(n_speakers)]
    for n, text in enumerate(texts.values()):
        for word in text.split():
            of = n % n_speakers if rng.random() < 0.85 else rng.randrange(n_speakers)
            what = rng.random()
            if what > 0.1:
                streams[of].append(word if what > 0.25 else rng.choice(VOCABULARY))
            if what > 0.93:
                streams[of].append(rng.choice(VOCABULARY))
    rng.shuffle(streams)
    return {f"h{n}": " ".join(stream) for n, stream in enumerate(streams)}


def case(reference: dict[str, str], hypothesis: dict[str, str]) -> dict:
    found = meeteval.wer.cp_word_error_rate(reference, hypothesis)
    return {
        "reference": reference,
        "hypothesis": hypothesis,
        "errors": found.errors,
        "length": found.length,
        "error_rate": found.error_rate,
        "missed_speaker": found.missed_speaker,
        "falarm_speaker": found.falarm_speaker,
        "assignment": [list(pair) for pair in found.assignment],
    }


def main() -> None:
    rng = random.Random(SEED)
    cases = [
        case({"a": "alpha bravo", "b": "delta echo golf"}, {"x": "delta echo golf", "y": "alpha bravo"}),
        case({"a": "alpha bravo delta"}, {"x": "alpha", "y": "bravo delta"}),
        case({"a": "alpha bravo", "b": "delta"}, {"x": "alpha bravo delta"}),
    ]
    while len(cases) < 40:
        reference = speakers(rng, "r", rng.randint(1, 5))
        if any(reference.values()):
            cases.append(case(reference, damaged(rng, reference, rng.randint(1, 5))))
    target = Path(__file__).with_name("cpwer_golden.json")
    target.write_text(json.dumps({"meeteval": meeteval.__version__, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
