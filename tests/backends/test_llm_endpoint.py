import pytest
from pydantic import SecretStr

from dubkit.backends.llm import Llm
from dubkit.backends.llm_endpoint import Endpoint, quoted
from dubkit.backends.protocols import Compute
from dubkit.errors import BadInput


@pytest.mark.parametrize(
    ("argument", "model", "url"),
    [
        ("qwen3:32b@http://localhost:11434/v1", "qwen3:32b", "http://localhost:11434/v1"),
        ("meta/llama-3@70b@https://API.example.org/v1/", "meta/llama-3@70b", "https://api.example.org/v1"),
        ("m@http://[::1]:80/v1/chat/completions", "m", "http://[::1]:80/v1"),
        ("m@http://host?price_out=3", "m", "http://host"),
    ],
)
def test_the_last_at_sign_parts_model_and_address(argument: str, model: str, url: str) -> None:
    endpoint = Endpoint.parse(argument)
    assert (endpoint.model, endpoint.url) == (model, url)


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("", "MODEL@BASE_URL"),
        ("qwen3", "MODEL@BASE_URL"),
        ("@http://localhost/v1", "MODEL@BASE_URL"),
        ("m@", "MODEL@BASE_URL"),
        ("m@localhost:11434/v1", "begin with http"),
        ("m@ftp://localhost/v1", "begin with http"),
        ("m@http://localhost:port/v1", "begin with http"),
        ("m@http://", "begin with http"),
        ("m@http://local host/v1", "begin with http"),
        ("m@http://localhost/v1#x", "begin with http"),
        ("m@http://localhost/v1?key=hunter2", "only price_in and price_out"),
        ("m@http://localhost/v1?price_in=hunter2", "only price_in and price_out"),
        ("m@http://localhost/v1?price_in=-1", "only price_in and price_out"),
        ("m@http://localhost/v1?price_in=nan", "only price_in and price_out"),
        ("m@http://me:hunter2@localhost/v1", "user name or a password"),
        ("m@https://hunter2@localhost/v1", "user name or a password"),
        ("m@http://me:hunt@er2@localhost/v1", "user name or a password"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused_without_repeating_secrets(argument: str, told: str) -> None:
    with pytest.raises(BadInput, match=told) as raised:
        Llm.from_spec(argument, Compute())
    assert "hunt" not in str(raised.value)


def test_a_servers_words_are_cut_and_lose_the_key() -> None:
    assert quoted("no\n such\x1b[31m  model", None) == "no such[31m model"
    assert quoted("key=hunter2, again: hunter2", SecretStr("hunter2")) == "*** again: ***"
    assert quoted("you sent sk-abcdefgh******xyz now", SecretStr("sk-abcdefghijklmnopxyz")) == "you sent *** now"
    assert quoted("you sent sk-abcdefgh... now", SecretStr("sk-abcdefghijklmnopxyz")) == "you sent *** now"
    assert quoted("é" * 300, None) == "é" * 200 + "..."
