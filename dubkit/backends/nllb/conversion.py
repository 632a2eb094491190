"""Translation models of transformers in CTranslate2's format: converted once, kept in the user's cache folder.

A conversion is written to a temporary folder and renamed into place, so that what lies in the cache is whole.
"""

from __future__ import annotations

import errno
import json
import logging
import re
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from dubkit.backends import weights
from dubkit.backends.hub.checkpoint import Checkpoint, quietly
from dubkit.backends.protocols import Compute
from dubkit.errors import MissingModel, OutOfSpace

log = logging.getLogger(__name__)

INSTALL = "pip install 'dubkit[hub]'"


def packaged() -> ModuleType:
    """The package ctranslate2.

    Raises
    ------
    MissingModel
        If it is not installed.
    """
    try:
        import ctranslate2
    except ModuleNotFoundError as error:
        raise MissingModel(
            f"Models in CTranslate2's format need the package ctranslate2. Install it with: {INSTALL}"
        ) from error
    return ctranslate2  # type: ignore[no-any-return]


def is_converted(folder: Path) -> bool:
    """Whether a folder holds a model in CTranslate2's format."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return (folder / "model.bin").is_file() and "model_type" not in config


def converted(checkpoint: Checkpoint, quantization: str) -> Path:
    """The folder with a checkpoint's converted model and tokenizer; made where it is not there yet.

    Parameters
    ----------
    checkpoint : Checkpoint
        An M2M-100 model, which NLLB-200 is.
    quantization : str
        How weights are stored, in CTranslate2's words: ``int8``, ``float16``, ``float32``.

    Raises
    ------
    MissingModel
        If the checkpoint is not here and cannot be fetched, or cannot be converted.
    OutOfSpace
        If the cache folder's disk is full or cannot be written.
    """
    checkpoint.fetched()
    # Made anew: one that was asked before its files were fetched does not know their revision.
    identity = Checkpoint(checkpoint.source, checkpoint.model_type).fingerprint
    home = weights.cache_folder() / "ctranslate2" / f"{re.sub(r'[^A-Za-z0-9.@_-]+', '--', identity)}-{quantization}"
    if is_converted(home):
        return home
    log.info("Converting %s for CTranslate2, once, into %s", checkpoint.source, home)
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix=".part-") as scratch:
            made = Path(scratch) / "model"
            _convert(checkpoint, made, quantization)
            _place(made, home)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM):
            raise
        raise OutOfSpace(
            f"The converted model of {checkpoint.source} cannot be written to {home.parent} ({error.strerror}). Make room, "
            "or name another folder in the environment variable DUBKIT_CACHE."
        ) from error
    return home


def _convert(checkpoint: Checkpoint, target: Path, quantization: str) -> None:
    packaged()
    import torch
    from ctranslate2.converters import TransformersConverter
    from transformers import M2M100ForConditionalGeneration, NllbTokenizer

    # Half precision holds what 8 bits keep, in half the memory.
    dtype = torch.float32 if quantization == "float32" else torch.float16
    tokenizer = checkpoint.load_processor(NllbTokenizer)

    class Converter(TransformersConverter):  # type: ignore[misc]
        # The checkpoint's own loading refuses files that lack weights, which transformers would replace by random ones.
        def load_model(self, model_class: Any, name: str, **options: Any) -> Any:
            return checkpoint.load(M2M100ForConditionalGeneration, Compute("cpu"), dtype=dtype)

        def load_tokenizer(self, tokenizer_class: Any, name: str, **options: Any) -> Any:
            return tokenizer

    with quietly():
        Converter(str(checkpoint.fetched())).convert(str(target), quantization=quantization)
    tokenizer.save_pretrained(target)
    vocabulary = json.loads((target / "shared_vocabulary.json").read_text(encoding="utf-8"))
    if vocabulary[: len(tokenizer)] != tokenizer.convert_ids_to_tokens(list(range(len(tokenizer)))):
        raise MissingModel(
            f"{checkpoint.source} cannot be converted for CTranslate2: its tokenizer's ids have gaps. Use nllb:"
            f"{checkpoint.source} instead."
        )


def _place(made: Path, home: Path) -> None:
    """Rename into place; where another process was first, its conversion stays."""
    try:
        made.rename(home)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not is_converted(home):
            raise
