"""From a line to the tokens of an MMS voice: figures as words, other scripts in Latin letters, its own vocabulary."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import json
from typing import TYPE_CHECKING, Any

from dubkit.backends.hub.checkpoint import Checkpoint
from dubkit.backends.mms import spoken_form
from dubkit.backends.protocols import ModelCard
from dubkit.backends.speakable import speakable
from dubkit.errors import MissingModel

if TYPE_CHECKING:
    import torch

_INSTALL = "pip install uroman"


class Reader:
    """Reads lines of a language for one tokenizer.

    Parameters
    ----------
    tokenizer : transformers.VitsTokenizer
        As it comes with the model.
    language : str
        The language's canonical code.
    """

    def __init__(self, tokenizer: Any, language: str) -> None:
        self.tokenizer = tokenizer
        self.language = language
        self._known: dict[str, bool] = {}

    def tokens(self, text: str) -> tuple[torch.Tensor | None, str]:
        """A line's tokens and the letters, figures and signs of it that the voice cannot say.

        Returns
        -------
        torch.Tensor or None, shape (1, n_tokens)
            None where nothing of the line is in the vocabulary.
        str
            Each character once.

        Raises
        ------
        MissingModel
            If the voice reads romanized text and the package for that is not installed.
        """
        written = spoken_form.spoken(speakable(text), self.language)
        if self.tokenizer.is_uroman and not written.isascii():
            written = _romanizer().romanize_string(written.lower())
        written, lacking = spoken_form.fitted(written, self.sayable)
        tokens = self.tokenizer(written, return_tensors="pt")["input_ids"].long()
        said = tokens[:, 1::2] if self.tokenizer.add_blank else tokens
        return (tokens if said.shape[1] else None), lacking

    def sayable(self, character: str) -> bool:
        """Whether the tokenizer keeps a character, as it is or in the form that it turns it into."""
        if character not in self._known:
            if self.tokenizer.is_uroman and not character.isascii():
                # The tokenizer would romanize it, at length, and the line has been romanized already.
                self._known[character] = False
            else:
                kept, _ = self.tokenizer.prepare_for_tokenization(character)
                self._known[character] = bool(kept)
        return self._known[character]

    def letters(self) -> str:
        """A text that can be said whatever the language: the vocabulary's letters by fours."""
        letters = "".join(sorted(c for c in self.tokenizer.get_vocab() if len(c) == 1 and c.isalpha()))
        return " ".join(letters[n : n + 4] for n in range(0, len(letters), 4))


def remedy(lacking: str) -> str:
    """How figures could be said after all; empty where they could not, or none are lacking."""
    if any(c.isdecimal() for c in lacking) and version("num2words") == "none":
        return ". The package that says figures as words is not installed: pip install num2words"
    return ""


def reads_romanized(source: Checkpoint) -> bool:
    """Whether a voice reads Latin letters in place of its language's own; False where its files are not here to say it."""
    path = source.file("tokenizer_config.json")
    try:
        return path is not None and bool(json.loads(path.read_text(encoding="utf-8")).get("is_uroman"))
    except (OSError, ValueError, AttributeError):
        # Loading it tells what is wrong with the file.
        return False


def romanizer_card() -> ModelCard:
    """The package that writes other scripts in Latin letters."""
    return ModelCard(
        name="Python package uroman",
        licence="as MIT, with credit",
        size=4_300_000,
        present=importlib.util.find_spec("uroman") is not None,
        fetch=_INSTALL,
        note="for voices that read romanized text",
    )


def version(package: str) -> str:
    """A package's version, ``none`` where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


@functools.cache
def _romanizer() -> Any:
    try:
        uroman = importlib.import_module("uroman")
    except ImportError as error:
        raise MissingModel(
            "The MMS voice of this language reads romanized text, which needs the Python package 'uroman'. "
            f"Install it with: {_INSTALL}"
        ) from error
    return uroman.Uroman()
