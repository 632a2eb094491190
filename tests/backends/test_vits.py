"""The forward pass beside transformers' own, on real classes a few numbers wide."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import mms as tiny

from dubkit.backends.mms import vits
from dubkit.backends.mms.vits import Line

TEXTS = ((5, 0, 9, 0, 3), (0, 2, 0, 7, 0, 1, 0, 20, 0, 8, 0, 11, 0), (4,), tuple(range(1, 27)))
FULL_DEPTH = {
    "num_hidden_layers": 3,
    "depth_separable_num_layers": 3,
    "duration_predictor_num_flows": 4,
    "prior_encoder_num_flows": 4,
    "prior_encoder_num_wavenet_layers": 4,
    "upsample_rates": [8, 8, 2, 2],
    "upsample_kernel_sizes": [16, 16, 4, 4],
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
}
"""As deep as the models on the hub, and as their layers are made."""


@pytest.fixture(scope="module", params=["stochastic", "plain"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return loaded(tmp_path_factory.mktemp("vits") / "m", stochastic=request.param == "stochastic", **FULL_DEPTH)


def loaded(folder: Path, **how: Any) -> Any:
    from transformers import VitsModel

    tiny.save_vits(folder, **how)
    model = VitsModel.from_pretrained(folder).eval()
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # Freshly made layers have no biases, and the flows' last layers are zero: nothing there could go wrong.
            if "duration" not in name and (name.endswith("bias") or "conv_post" in name):
                weight += 0.05 * torch.randn(weight.shape, generator=generator)
    return model


def lines(rate: float = 1.0) -> list[Line]:
    return [Line(torch.tensor([text]), rate) for text in TEXTS]


@pytest.mark.parametrize("rate", [1.0, 1.3])
def test_a_line_alone_is_what_the_model_itself_makes_of_the_same_noise(model: Any, rate: float) -> None:
    for line in lines(rate):
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(vits.SEED)
            expected = model(input_ids=line.tokens, speaking_rate=rate).waveform[0].numpy()
        (made,) = vits.waveforms(model, [line])
        assert made.shape == expected.shape
        assert np.abs(expected).max() > 0.01
        np.testing.assert_allclose(made, expected, atol=1e-5)


def test_lines_in_a_batch_sound_as_they_do_alone_up_to_their_last_sample(model: Any) -> None:
    together = vits.waveforms(model, lines())
    for line, made in zip(lines(), together, strict=True):
        (alone,) = vits.waveforms(model, [line])
        assert made.shape == alone.shape
        error = np.abs(made - alone).max() / np.abs(alone).max()
        assert 20 * np.log10(max(error, 1e-12)) < -75, "dB below the loudest sample, ends included"
    assert len({len(made) for made in together}) == len(TEXTS)


def test_without_the_masks_the_ends_would_differ(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """That the test above can fail: the model's own decoder hears what comes after a line's end."""
    monkeypatch.setattr(vits, "_decoded", lambda decoder, spectrogram, lengths: decoder(spectrogram))
    together = vits.waveforms(model, lines())
    (alone,) = vits.waveforms(model, lines()[:1])
    difference = np.abs(together[0] - alone)
    assert difference[-256:].max() > 1e-3 * np.abs(alone).max()


def test_the_predicted_length_is_the_sound_s(model: Any) -> None:
    for rate in (0.85, 1.3):
        assert [vits.n_samples(model, line) for line in lines(rate)] == [
            len(sound) for sound in vits.waveforms(model, lines(rate))
        ]


def test_a_line_of_no_length_is_one_frame_as_in_the_model(tmp_path: Path) -> None:
    model = loaded(tmp_path / "m", stochastic=False)
    with torch.no_grad():
        model.duration_predictor.proj.bias.fill_(-200.0)
        model.duration_predictor.proj.weight.zero_()
    (made,) = vits.waveforms(model, lines()[:1])
    assert len(made) == vits.n_samples(model, lines()[0]) == 256


def test_random_states_stay_as_they_are(model: Any) -> None:
    torch_state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    first = vits.waveforms(model, lines())
    torch.rand(3)
    second = vits.waveforms(model, lines())
    torch.random.set_rng_state(torch_state)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    vits.n_samples(model, lines()[0])
    assert torch.equal(torch_state, torch.random.get_rng_state())
    assert np.array_equal(numpy_state, np.random.get_state()[1])
