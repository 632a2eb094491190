"""The API's description: it is whole, and what it promises is kept whatever is asked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from api_served import Served
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from dubkit.service.api import create_app
from dubkit.service.api.problems import KINDS
from dubkit.service.config import Config
from dubkit.service.jobs.job import Job
from dubkit.service.service import Service

METHODS = ("get", "post", "put", "patch", "delete", "head")
PIECE = "application/offset+octet-stream"
# What tus wants where the header with its version is missing, and HTTP where a precondition is not met.
ALSO = "412"
EXAMPLES = 12
"""For each request, of such as fit and such as do not."""


@schemathesis.serializer(PIECE)  # type: ignore[untyped-decorator]
def plain_bytes(context: Any, value: Any) -> Any:
    return value if isinstance(value, bytes) else str(value).encode()


def operations(served: Served) -> dict[str, dict[str, Any]]:
    """All that can be asked, by method and path."""
    paths = served.get("/api/v1/openapi.json").json()["paths"]
    return {
        f"{method} {path}": told for path, all in paths.items() for method, told in all.items() if method in METHODS
    }


def test_every_request_is_told_with_its_errors(served: Served) -> None:
    found = operations(served)
    assert len(found) == 22
    for name, told in found.items():
        assert told["summary"] and told["description"] and told["tags"], name
        assert {"421", "403", "429", "500", "503"} <= set(told["responses"]), name
        for status, answer in told["responses"].items():
            for kind, example in (
                answer.get("content", {}).get("application/problem+json", {}).get("examples", {}).items()
            ):
                assert str(KINDS[kind][0]) == status == str(example["value"]["status"])


def test_nothing_in_the_description_leads_nowhere(served: Served) -> None:
    described = served.get("/api/v1/openapi.json").json()
    for name in set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described))):
        assert name in described["components"]["schemas"]
    assert "HTTPValidationError" not in json.dumps(described)
    assert "security" not in json.dumps(described["paths"])


def test_keys_are_told_of_where_they_are_needed(opened: Callable[..., Served]) -> None:
    found = operations(opened(require_key=True))
    free = {name for name, told in found.items() if "security" not in told}
    assert free == {"get /health", "get /api/v1/files/{token}/{name}"}
    assert {name for name, told in found.items() if {} in told.get("security", ())} == {"get /metrics"}


def test_models_stay_in_workers() -> None:
    heavy = "{'torch', 'transformers', 'pyannote', 'librosa', 'matplotlib', 'gradio'}"
    code = f"import sys, dubkit.service.api, dubkit.service.service; print(sorted({heavy} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout == "[]\n"


def test_its_pages_load_nothing_from_elsewhere(served: Served) -> None:
    page = served.get("/api/v1/docs").text
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(links) == 3
    for link in links:
        assert link.startswith("/api/v1/docs/static/")
        assert served.get(link).status_code == 200
    assert "://" not in page


CHECKS = {
    # Whether a film can be dubbed, no schema tells.
    "positive_data_acceptance": {"enabled": False},
    "negative_data_rejection": {
        "expected-statuses": ["400", "404", "405", "409", "410", "413", "415", "422", "428", ALSO]
    },
    "missing_required_header": {"expected-statuses": ["400", "415", "422", ALSO]},
}


@pytest.fixture(scope="module")
def fuzzed(done: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FastAPI, Job]]:
    """An application that may be asked anything, and a job in it that is done."""
    home = Path(shutil.copytree(done, tmp_path_factory.mktemp("fuzzed") / "home"))
    service = Service(Config.at(home, workers=0, max_bytes=100_000, hosts=("testserver",)))
    yield create_app(service), service.list("local")[0]
    service.close()


def ask_all(app: FastAPI, job: Job | None, modes: Sequence[GenerationMode]) -> Counter[tuple[str, int]]:
    """Ask all that is described, or all of one job that does not remove it; how often each was answered with which status."""
    told: Counter[tuple[str, int]] = Counter()
    config = SchemathesisConfig.from_dict({"checks": CHECKS})
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, config=config)
    if job is not None:
        schema = schema.include(path_regex=r"/jobs/\{id\}").exclude(method="DELETE")
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=strategies.one_of([operation.as_strategy(generation_mode=mode) for mode in modes]))
        @settings(
            max_examples=EXAMPLES, phases=(Phase.generate,), database=None, suppress_health_check=list(HealthCheck)
        )
        def ask(case: schemathesis.Case) -> None:
            if job is not None:
                case.path_parameters["id"] = job.id
            told[case.operation.label, case.call_and_validate().status_code] += 1

        ask()
    return told


def test_whatever_is_asked_is_answered_as_described(fuzzed: tuple[FastAPI, Job]) -> None:
    ask_all(fuzzed[0], None, (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))


def test_a_job_answers_as_described(fuzzed: tuple[FastAPI, Job]) -> None:
    told = ask_all(*fuzzed, (GenerationMode.POSITIVE,))
    assert {status for label, status in told if label == "GET /api/v1/jobs/{id}/status"} == {200}
    assert {status for label, status in told if label == "GET /api/v1/jobs/{id}/download"} >= {307, 404}
    assert {status for label, status in told if label == "PUT /api/v1/jobs/{id}/lines"} & {412, 428}
