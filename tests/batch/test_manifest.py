"""Manifests of every kind: what rows they give, and what is said of those that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from dubkit.batch.manifest import read
from dubkit.errors import BadInput


def written(path: Path, text: str, encoding: str = "utf-8") -> str:
    path.write_text(text, encoding=encoding)
    return str(path)


def test_csv_rows_have_their_lines_and_no_empty_cells(tmp_path):
    text = 'video,target,note\na.mp4, pt ,"two\nlines"\n\n/films/b.mp4,,x\ns3://bucket/c.mp4,,\n'
    found = read(written(tmp_path / "m.csv", text))
    assert found.unit == "line" and found.problems == ()
    assert found.rows == (
        (2, {"video": str(tmp_path / "a.mp4"), "target": "pt", "note": "two\nlines"}),
        (5, {"video": "/films/b.mp4", "note": "x"}),
        (6, {"video": "s3://bucket/c.mp4"}),
    )


@pytest.mark.parametrize("separator", [";", "\t"])
def test_csv_from_a_spreadsheet(tmp_path, separator):
    text = f"video{separator}target\r\nção.mp4{separator}pt\r\n"
    found = read(written(tmp_path / "m.csv", text, "utf-8-sig"))
    assert found.rows == ((2, {"video": str(tmp_path / "ção.mp4"), "target": "pt"}),)


def test_csv_that_is_not_in_order_is_told_by_line(tmp_path):
    found = read(written(tmp_path / "m.csv", "video,target,target,\na.mp4,pt\nb.mp4,pt,x,y,z\n"))
    assert [number for number, _ in found.rows] == [2]
    assert found.problems == (
        (1, "the column 'target' is there twice"),
        (1, "a column has no name"),
        (3, "it has 5 cells, and the header 4; quote what has commas"),
    )


def test_json_lines_keep_their_types(tmp_path):
    text = '{"video": "a.mp4", "diarize.n_speakers": 2, "source": null}\n\n[1]\n{"video"\n'
    found = read(written(tmp_path / "m.jsonl", text))
    assert found.rows == ((1, {"video": str(tmp_path / "a.mp4"), "diarize.n_speakers": 2}),)
    assert [number for number, _ in found.problems] == [3, 4]
    assert "it is no JSON object" in found.problems[0][1] and "it is no JSON (" in found.problems[1][1]


def test_parquet_keeps_its_types(tmp_path):
    table = pd.DataFrame({"video": ["a.mp4", "b.mp4"], "diarize.n_speakers": pd.array([2, None], dtype="Int64")})
    table["speed"] = [float("nan"), 1.5]
    table.to_parquet(tmp_path / "m.parquet")
    found = read(str(tmp_path / "m.parquet"))
    assert found.unit == "row"
    assert found.rows == (
        (1, {"video": str(tmp_path / "a.mp4"), "diarize.n_speakers": 2}),
        (2, {"video": str(tmp_path / "b.mp4"), "speed": 1.5}),
    )


def test_a_folder_gives_its_films_by_name(tmp_path):
    for name in ("b.MP4", "a.mkv", "notes.txt", "a.srt"):
        (tmp_path / name).touch()
    (tmp_path / "c.mp4").mkdir()
    found = read(str(tmp_path))
    assert found.rows == ((1, {"video": str(tmp_path / "a.mkv")}), (2, {"video": str(tmp_path / "b.MP4")}))


def test_a_bucket_gives_its_films_and_its_manifests(bucket, tmp_path):
    for name, content in {
        "in/b.mp4": b"b",
        "in/a.mov": b"a",
        "in/sub/c.mp4": b"c",
        "in/list.csv": b"video,target\nb.mp4,pt\n",
    }.items():
        bucket.put_object(Bucket="films", Key=name, Body=content)
    pd.DataFrame({"video": ["b.mp4"]}).to_parquet(tmp_path / "m.parquet")
    bucket.upload_file(str(tmp_path / "m.parquet"), "films", "in/m.parquet")
    assert [cells["video"] for _, cells in read("s3://films/in").rows] == ["s3://films/in/a.mov", "s3://films/in/b.mp4"]
    assert read("s3://films/in/list.csv").rows == ((2, {"video": "s3://films/in/b.mp4", "target": "pt"}),)
    assert read("s3://films/in/m.parquet", tmp_path / "store").rows == ((1, {"video": "s3://films/in/b.mp4"}),)
    with pytest.raises(BadInput, match=r"'s3://films/in/none\.csv' cannot be read"):
        read("s3://films/in/none.csv")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.csv", None, r"none\.csv' is not there"),
        (
            "films.xlsx",
            "x",
            r"none of these: give a file that ends in \.csv, \.jsonl, \.ndjson, \.parquet, or a folder",
        ),
        ("empty.csv", "video,target\n", "names no films. Each row needs a video"),
        ("not.parquet", "text", "cannot be read as Parquet"),
    ],
)
def test_what_is_no_manifest_is_told(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(BadInput, match=said):
        read(str(tmp_path / name))


def test_text_that_is_not_utf_8_is_told(tmp_path):
    (tmp_path / "m.csv").write_bytes("video\nção.mp4\n".encode("latin-1"))
    with pytest.raises(BadInput, match="is not UTF-8 text"):
        read(str(tmp_path / "m.csv"))


def test_a_folder_without_films_is_told(tmp_path):
    with pytest.raises(BadInput, match=r"names no films. Films in a folder are files that end in \.avi"):
        read(str(tmp_path))
