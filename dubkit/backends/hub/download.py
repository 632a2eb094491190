"""Downloads from the Hugging Face hub, with errors that say what to do."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Sequence
from pathlib import Path

from dubkit.errors import MissingModel, OutOfSpace, Unreachable

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""The formats of weights that transformers reads, the better first; big ones come in parts with an index."""
_SMALL_FILES = ("*.json", "*.txt", "*.model")


def download(hub_id: str, command: str) -> Path:
    """Fetch what transformers needs of a hub model, in one weight format, and nothing else.

    Parameters
    ----------
    hub_id : str
        ``owner/name``.
    command : str
        What a person can run to the same end; for the error message.

    Returns
    -------
    Path
        The snapshot's folder in the local cache.

    Raises
    ------
    MissingModel
        If it cannot be had: no such model, a gate, a refused token, no network.
    """
    from huggingface_hub import HfApi

    with explained(hub_id, command):
        knock()
        names = HfApi().list_repo_files(hub_id)
    chosen = next((w for w in WEIGHTS if {w, f"{w}.index.json"} & set(names)), WEIGHTS[0])
    stem, kind = chosen.rsplit(".", 1)
    return snapshot(hub_id, command, [*_SMALL_FILES, chosen, f"{stem}-*-of-*.{kind}"])


def snapshot(hub_id: str, command: str, patterns: Sequence[str]) -> Path:
    """Fetch the files of a hub model whose names fit one of the patterns.

    The token is the one in ``HF_TOKEN``, else the one that ``hf auth login`` keeps. Where the hub is switched off
    (``HF_HUB_OFFLINE``) the folder may hold fewer files than were asked for.

    Returns
    -------
    Path
        The snapshot's folder in the local cache.

    Raises
    ------
    MissingModel
        As :func:`download`.
    """
    import huggingface_hub

    with explained(hub_id, command):
        return Path(huggingface_hub.snapshot_download(hub_id, allow_patterns=list(patterns)))


@contextlib.contextmanager
def explained(hub_id: str, command: str) -> Iterator[None]:
    """Turn what goes wrong between here and the hub into an error that says what to do.

    Parameters
    ----------
    hub_id : str
        What was asked for, for the message.
    command : str
        What a person can run to the same end.

    Raises
    ------
    MissingModel
        As :func:`download`; an :class:`dubkit.errors.Unreachable` where there is no network.
    OutOfSpace
        If the disk is full.
    """
    from huggingface_hub import get_token
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RemoteEntryNotFoundError, RepositoryNotFoundError

    try:
        yield
    except RemoteEntryNotFoundError as error:
        raise MissingModel(f"The hub has {hub_id} no longer, or not in this form.") from error
    except GatedRepoError as error:
        held = "The account that is logged in may not read it" if get_token() else "Nobody is logged in"
        raise MissingModel(
            f"The model {hub_id} is gated: accept its terms on its page on the hub, then log in with: hf auth login "
            f"; or set HF_TOKEN. ({held}.)"
        ) from error
    except RepositoryNotFoundError as error:
        raise MissingModel(
            f"The hub has no model {hub_id}, or shows it only to accounts that may see it. Check the spelling; for a "
            "private model log in with: hf auth login"
        ) from error
    except HfHubHTTPError as error:
        if error.response is not None and error.response.status_code in (401, 403):
            raise MissingModel(
                f"The hub refused the access token when asked for {hub_id}; it was revoked or has expired. "
                "Log in again with: hf auth login (where HF_TOKEN is set, that one counts)"
            ) from error
        raise Unreachable(_unreachable(hub_id, command, error)) from error
    except Exception as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise OutOfSpace(
                f"The disk is full: {hub_id} cannot be stored. Make room, or set HF_HOME to a folder on another disk."
            ) from error
        # Offline mode, no route, time-outs and TLS all have types of their own, which depend on the HTTP library.
        raise Unreachable(_unreachable(hub_id, command, error)) from error


def knock() -> None:
    """Ask the hub for anything at all: its own client would try for half a minute before it says that nobody answers."""
    from huggingface_hub import constants, get_session

    if not constants.is_offline_mode():
        get_session().head(constants.ENDPOINT, timeout=10)


def _unreachable(hub_id: str, command: str, error: Exception) -> str:
    return (
        f"The model {hub_id} is not here and the Hugging Face hub cannot be reached ({type(error).__name__}). Where "
        f"there is a network, run: {command} ; or give a local folder in place of {hub_id}."
    )
