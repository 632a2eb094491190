"""Downloads from the Hugging Face hub, with errors that say what to do."""

from __future__ import annotations

from pathlib import Path

from dubkit.errors import MissingModel

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
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    try:
        names = HfApi().list_repo_files(hub_id)
        chosen = next((w for w in WEIGHTS if {w, f"{w}.index.json"} & set(names)), WEIGHTS[0])
        stem, kind = chosen.rsplit(".", 1)
        return Path(snapshot_download(hub_id, allow_patterns=[*_SMALL_FILES, chosen, f"{stem}-*-of-*.{kind}"]))
    except GatedRepoError as error:
        raise MissingModel(
            f"The model {hub_id} is gated: accept its terms on its page on the hub, then log in with: hf auth login"
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
                "Log in again with: hf auth login"
            ) from error
        raise MissingModel(_unreachable(hub_id, command, error)) from error
    except Exception as error:
        # Offline mode, no route, time-outs and TLS all have types of their own, which depend on the HTTP library.
        raise MissingModel(_unreachable(hub_id, command, error)) from error


def _unreachable(hub_id: str, command: str, error: Exception) -> str:
    return (
        f"The model {hub_id} is not here and the Hugging Face hub cannot be reached ({type(error).__name__}). Where "
        f"there is a network, run: {command} ; or give a local folder in place of {hub_id}."
    )
