import pytest
from pydantic import SecretStr

from dubkit.backends.llm.endpoint import Endpoint, key, quoted
from dubkit.backends.llm.translator import Llm
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
        ("m@http://localhost/v1?parallel=0", "1 to 64"),
        ("m@http://localhost/v1?parallel=2.5", "1 to 64"),
        ("m@http://localhost/v1?parallel=65", "1 to 64"),
        ("m@http://me:hunter2@localhost/v1", "user name or a password"),
        ("m@https://hunter2@localhost/v1", "user name or a password"),
        ("m@http://me:hunt@er2@localhost/v1", "user name or a password"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused_without_repeating_secrets(argument: str, told: str) -> None:
    with pytest.raises(BadInput, match=told) as raised:
        Llm.from_spec(argument, Compute())
    assert "hunt" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://API.openai.com:443/v1", "openai"),
        ("http://api.openai.com/v1", None),
        ("https://api.openai.com:8443/v1", None),
        ("https://api.openai.com.evil.example/v1", None),
        ("https://openai.com/v1", None),
        ("https://openrouter.ai/api/v1", None),
        ("http://localhost:11434/v1", None),
    ],
)
def test_the_key_of_openai_goes_to_openai_alone_and_dubkits_own_anywhere(
    url: str, sent: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> str | None:
        secret = key(Endpoint.parse(f"m@{url}"))
        return secret.get_secret_value() if secret else None

    monkeypatch.delenv("DUBKIT_LLM_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "openai")
    assert found() == sent
    monkeypatch.setenv("DUBKIT_LLM_KEY", "own")
    assert found() == "own"


@pytest.mark.parametrize(
    ("argument", "parallel"),
    [
        ("m@http://localhost:11434/v1", 1),
        ("m@http://127.0.0.1/v1?parallel=8", 8),
        ("m@https://host/v1?price_in=1", 4),
        ("m@https://host/v1?parallel=1", 1),
    ],
)
def test_another_machine_gets_some_requests_at_once(argument: str, parallel: int) -> None:
    assert Endpoint.parse(argument).parallel == parallel


def test_a_servers_words_are_cut_and_lose_the_key() -> None:
    assert quoted("no\n such\x1b[31m  model", None) == "no such[31m model"
    assert quoted("key=hunter2, again: hunter2", SecretStr("hunter2")) == "*** again: ***"
    assert quoted("you sent sk-abcdefgh******xyz now", SecretStr("sk-abcdefghijklmnopxyz")) == "you sent *** now"
    assert quoted("you sent sk-abcdefgh... now", SecretStr("sk-abcdefghijklmnopxyz")) == "you sent *** now"
    assert quoted("é" * 300, None) == "é" * 200 + "..."
