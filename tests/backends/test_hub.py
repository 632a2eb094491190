"""Checkpoints in folders, in the local cache, and on a hub that is played by a small server on this machine."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
import torch

from dubkit.backends.hub.checkpoint import Checkpoint
from dubkit.backends.protocols import Compute
from dubkit.errors import BadInput, MissingModel

CPU = Compute(device="cpu", threads=1)
REVISION = "0123456789abcdef0123456789abcdef01234567"
NAME = "somebody/tiny-vits"


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import VitsConfig, VitsModel

    folder = tmp_path_factory.mktemp("tiny-vits")
    torch.manual_seed(0)
    config = VitsConfig(
        vocab_size=4,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=8,
        flow_size=8,
        spectrogram_bins=9,
        use_stochastic_duration_prediction=False,
        duration_predictor_filter_channels=8,
        prior_encoder_num_flows=1,
        prior_encoder_num_wavenet_layers=1,
        posterior_encoder_num_wavenet_layers=1,
        upsample_initial_channel=8,
        upsample_rates=[4, 4],
        upsample_kernel_sizes=[8, 8],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1]],
    )
    VitsModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, and no way to the network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "cache"


def put_in_cache(cache: Path, model_folder: Path, name: str = NAME) -> Path:
    home = cache / f"models--{name.replace('/', '--')}"
    snapshot = home / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(REVISION)
    for file in model_folder.iterdir():
        (snapshot / file.name).write_bytes(file.read_bytes())
    return snapshot


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's HTTP interface as a download needs."""

    folder: ClassVar[Path]
    asked: ClassVar[list[str]]
    refusals: ClassVar = {
        "somebody/gated": (403, "GatedRepo", "Access to model somebody/gated is restricted"),
        "somebody/nothing": (404, "RepoNotFound", "Repository not found"),
        "somebody/private": (401, "", "Invalid credentials in Authorization header"),
        "somebody/broken": (500, "", "Internal error"),
    }

    def do_GET(self) -> None:
        name, _, rest = self.path.removeprefix("/api/models/").lstrip("/").partition("?")[0].partition("/resolve/")
        name = "/".join(name.split("/")[:2])
        self.asked.append(self.path)
        if name in self.refusals:
            status, code, message = self.refusals[name]
            self._answer(status, b"{}", {"X-Error-Code": code, "X-Error-Message": message})
        elif rest:
            file = self.folder / rest.split("/", 1)[1]
            self._answer(200, file.read_bytes(), {"ETag": f'"{file.name}"', "X-Repo-Commit": REVISION})
        elif "/tree/" in self.path:
            files = [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": f.name} for f in self._files()]
            self._answer(200, json.dumps(files).encode())
        else:
            siblings = [{"rfilename": f.name} for f in self._files()]
            self._answer(200, json.dumps({"id": name, "sha": REVISION, "siblings": siblings}).encode())

    do_HEAD = do_GET  # noqa: N815 -- the name that http.server calls

    def _files(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def local_hub(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    Hub.folder = tmp_path / "repository"
    Hub.folder.mkdir()
    Hub.asked = []
    for file in model_folder.iterdir():
        (Hub.folder / file.name).write_bytes(file.read_bytes())
    for other in ("pytorch_model.bin", "flax_model.msgpack", "model.fp32-00001-of-00002.safetensors", "README.md"):
        (Hub.folder / other).write_bytes(b"not needed")
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield Hub
        server.shutdown()


def load(checkpoint: Checkpoint) -> torch.nn.Module:
    from transformers import VitsModel

    model: torch.nn.Module = checkpoint.load(VitsModel, CPU)
    return model


@pytest.mark.parametrize("argument", ["/no/such/folder", "./nowhere", "a b/c", "name", "a/b/c", "../x/y", ""])
def test_what_is_neither_folder_nor_hub_id_is_refused(argument: str) -> None:
    with pytest.raises(BadInput, match="neither a folder nor a model on the Hugging Face hub"):
        Checkpoint.parse(argument, "vits")


def test_a_folder_is_known_by_its_content(model_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / model_folder.name
    copy.mkdir(parents=True)
    for file in model_folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    first, second = (Checkpoint.parse(str(folder), "vits") for folder in (model_folder, copy))
    assert first.fingerprint == second.fingerprint
    weights = copy / "model.safetensors"
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    assert Checkpoint.parse(str(copy), "vits").fingerprint != first.fingerprint
    assert first.card().present
    assert first.card().size == sum(f.stat().st_size for f in model_folder.iterdir())


def test_a_folder_loads(model_folder: Path) -> None:
    model = load(Checkpoint.parse(str(model_folder), "vits"))
    assert not model.training
    assert next(model.parameters()).device.type == "cpu"


def test_what_is_in_the_cache_loads_without_a_network(cache: Path, model_folder: Path) -> None:
    put_in_cache(cache, model_folder)
    checkpoint = Checkpoint.parse(NAME, "vits")
    assert checkpoint.fingerprint == f"{NAME}@{REVISION[:12]}"
    assert checkpoint.card().present
    assert checkpoint.file("config.json") is not None
    assert checkpoint.file("nothing.json") is None
    expected, found = load(Checkpoint(str(model_folder), "vits")), load(checkpoint)
    assert all(
        torch.equal(a, b) for a, b in zip(expected.state_dict().values(), found.state_dict().values(), strict=True)
    )


def test_what_is_not_in_the_cache_names_the_command_that_fetches_it() -> None:
    checkpoint = Checkpoint.parse(NAME, "vits")
    assert checkpoint.fingerprint == NAME
    assert not checkpoint.card().present
    with pytest.raises(
        MissingModel, match=rf"{NAME} is not here .* hub cannot be reached.*hf download {NAME} ;.*local folder"
    ):
        load(checkpoint)


def test_half_a_download_is_not_a_model(cache: Path, model_folder: Path) -> None:
    snapshot = put_in_cache(cache, model_folder)
    (snapshot / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    (snapshot / "model-00001-of-00002.safetensors").write_bytes(b"")
    assert Checkpoint(NAME, "vits").folder is None
    (snapshot / "model-00002-of-00002.safetensors").write_bytes(b"")
    assert Checkpoint(NAME, "vits").folder == snapshot


def test_a_download_takes_one_format_of_the_weights(local_hub: type[Hub], cache: Path) -> None:
    checkpoint = Checkpoint.parse(NAME, "vits")
    load(checkpoint)
    assert {f.name for f in (checkpoint.folder or cache).iterdir()} == {"config.json", "model.safetensors"}
    assert Checkpoint(NAME, "vits").fingerprint == f"{NAME}@{REVISION[:12]}"
    asked = len(local_hub.asked)
    load(Checkpoint(NAME, "vits"))
    assert len(local_hub.asked) == asked, "what is here is not asked for again"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("somebody/gated", "is gated: accept its terms on its page on the hub, then log in with: hf auth login"),
        ("somebody/nothing", "The hub has no model somebody/nothing, .* Check the spelling"),
        ("somebody/private", "refused the access token .* revoked or has expired. Log in again with: hf auth login"),
        ("somebody/broken", "cannot be reached .* hf download somebody/broken"),
    ],
)
def test_what_the_hub_refuses_is_told(
    local_hub: type[Hub], name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library waits ever longer between tries where a server fails.
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    with pytest.raises(MissingModel, match=message):
        load(Checkpoint.parse(name, "vits"))


def test_damaged_files_are_told(model_folder: Path, tmp_path: Path) -> None:
    for file in model_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MissingModel, match=r"are damaged or not whole .* Mend the folder"):
        load(Checkpoint(str(tmp_path), "vits"))
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(MissingModel, match=r"holds no whole checkpoint: config\.json and model\.safetensors or"):
        load(Checkpoint(str(tmp_path), "vits"))


def test_missing_weights_are_an_error_not_random_numbers(model_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(model_folder / "model.safetensors")
    del weights["text_encoder.embed_tokens.weight"]
    (tmp_path / "config.json").write_bytes((model_folder / "config.json").read_bytes())
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(MissingModel, match=r"1 weights are missing .*text_encoder\.embed_tokens\.weight first"):
        load(Checkpoint(str(tmp_path), "vits"))


@pytest.mark.parametrize(
    ("name", "licence", "note"),
    [
        ("openai/whisper-large-v3", "Apache-2.0", ""),
        ("openai/whisper-large-v3-turbo", "MIT", ""),
        ("facebook/nllb-200-3.3B", "CC-BY-NC-4.0", "non-commercial use only"),
        ("facebook/nllb-200-distilled-600M", "CC-BY-NC-4.0", "non-commercial use only"),
        ("facebook/mms-tts-por", "CC-BY-NC-4.0", "non-commercial use only"),
        ("somebody/else", "see its page on the hub", ""),
    ],
)
def test_licences_of_the_named_models(name: str, licence: str, note: str) -> None:
    card = Checkpoint(name, "").card()
    assert (card.licence, card.note) == (licence, note)
    assert card.fetch.split()[:3] == ["hf", "download", name]
    assert (card.size > 1e8) == (name != "somebody/else")
