"""The dashboard and the alerts ask only for what the service exports, by labels that it has."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from dubkit.service.config import Config
from dubkit.service.jobs.job import Film, NewJob
from dubkit.service.service import Service
from dubkit.service.watching import metrics

DEPLOY = Path(__file__).parents[1] / "deploy"
ADDED = {"job", "le"}
"""By Prometheus itself, or by every histogram."""
WORDS = {"sum", "max", "min", "by", "rate", "increase", "histogram_quantile", "topk", "count", "vector", "or", "and"}
WORDS |= {"min_over_time", "deriv", "label_values"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The labels of every series of a service that has seen a request and a failed job."""
    service = Service(Config.at(tmp_path_factory.mktemp("service")))
    service.jobs.add(NewJob("ann", Film("a.mp4", "films/a.mp4", 10, 20.0), "pt", "en"))
    claim = service.claims.next("w1", 60)
    assert claim is not None
    service.claims.fail(claim, "BadInput", "odd", None)
    metrics.REQUESTS.answered.labels("none", "GET", "404").inc()
    metrics.REQUESTS.seconds.labels("none", "GET").observe(0.1)
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(metrics.exposition(service).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    service.close()
    return found


def dashboard() -> dict[str, Any]:
    told: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dubkit.json").read_text())
    return told


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "dubkit-alerts.yml").read_text())["groups"]
    return list(group["rules"])


def expressions() -> list[str]:
    asked = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    variables = [one["definition"] for one in dashboard()["templating"]["list"] if "definition" in one]
    return asked + variables + [rule["expr"] for rule in rules()]


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_asks_for_what_there_is(expression: str, exported: dict[str, set[str]]):
    names = set(re.findall(r"\bdubkit_\w+", expression))
    assert names
    assert names <= set(exported)
    labels = {label for name in names for label in exported[name]} | ADDED
    grouped = {label.strip() for group in re.findall(r"\bby \(([^)]*)\)", expression) for label in group.split(",")}
    matched = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)\s*\"", expression))
    assert grouped | matched <= labels
    assert expression.count("(") == expression.count(")")
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\bby \([^)]*\)|[\d.]+|\bdubkit_\w+|\bjob\b", "", expression)
    assert set(re.findall(r"[a-z_]+", bare)) <= WORDS


def test_every_measure_is_shown(exported: dict[str, set[str]]):
    asked = " ".join(expressions())
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported}
    assert {family for family in families if family not in asked} == set()


def test_counters_are_asked_for_as_rates():
    for expression in expressions():
        for name in re.findall(r"\bdubkit_\w+_(?:total|bucket|sum)\b", expression):
            assert re.search(rf"(rate|increase)\({name}\b", expression), expression


def test_panels_are_whole_and_lie_beside_each_other():
    board = dashboard()
    assert board["schemaVersion"] >= 39
    assert [one["name"] for one in board["templating"]["list"]] == ["datasource", "job"]
    assert board["templating"]["list"][0]["type"] == "datasource"
    assert max(Counter(panel["id"] for panel in board["panels"]).values()) == 1
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert panel["type"] in ("stat", "timeseries", "bargauge")
        assert panel["title"] and panel["description"].endswith(".")
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells


def test_alerts_say_what_is_wrong():
    for rule in rules():
        assert re.fullmatch(r"Dubkit[A-Z]\w+", rule["alert"])
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].endswith(".")
