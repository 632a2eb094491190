"""The built samples as a `datasets.Dataset`, for whoever evaluates something over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data.manifest import manifest
from data.samples import Built, built

if TYPE_CHECKING:
    from datasets import Dataset


def suite(*names: str) -> Dataset:
    """Samples as rows; those that are not built yet are built.

    Parameters
    ----------
    *names : str
        Ids or groups of samples; all of them for none.

    Returns
    -------
    datasets.Dataset
        Columns: ``id``, ``video`` (path), ``audio`` (path and bytes, not decoded, so that nothing but `datasets` is
        needed to read it), ``language``, ``text`` (empty where it is not known), ``n_speakers``, ``speakers`` (a list
        of id, name and gender; empty where they are not known), ``truth`` (path of truth.json, empty where there is
        none), ``licence``.

    Raises
    ------
    BadInput
        If a name is no sample and no group.
    """
    from datasets import Audio, Dataset, Features, List, Value

    person = {"id": Value("string"), "name": Value("string"), "gender": Value("string")}
    features = Features(
        {
            "id": Value("string"),
            "video": Value("string"),
            "audio": Audio(decode=False),
            "language": Value("string"),
            "text": Value("string"),
            "n_speakers": Value("int32"),
            "speakers": List(person),
            "truth": Value("string"),
            "licence": Value("string"),
        }
    )
    rows = [_row(built(sample.id)) for sample in manifest().chosen(list(names))]
    return Dataset.from_list(rows, features=features)


def _row(one: Built) -> dict[str, object]:
    speakers = one.truth.speakers if one.truth else ()
    return {
        "id": one.sample.id,
        "video": str(one.video),
        "audio": {"path": str(one.audio), "bytes": None},
        "language": one.sample.language,
        "text": one.text,
        "n_speakers": one.sample.n_speakers,
        "speakers": [{"id": who.id, "name": who.name, "gender": who.gender} for who in speakers],
        "truth": str(one.folder / "truth.json") if one.truth else "",
        "licence": manifest().licence(one.sample),
    }
