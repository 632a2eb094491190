import errno
import json
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.artefacts import Dub
from dubkit.errors import OutOfSpace
from dubkit.record import File
from dubkit.store import Items, Store, Stored, default_root, digest, files, told

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def backwards(value: Any) -> Any:
    """The same value with every mapping built in the opposite order."""
    if isinstance(value, dict):
        return {k: backwards(value[k]) for k in reversed(list(value))}
    return [backwards(v) for v in value] if isinstance(value, list) else value


@given(JSON)
def test_a_digest_does_not_depend_on_the_order_of_names(value: Any) -> None:
    assert digest(value) == digest(backwards(value))
    assert digest(value) == digest(json.loads(json.dumps(value)))


@given(JSON, JSON)
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest(one) == digest(other)) == same


@pytest.mark.parametrize("value", [{1, 2}, b"x", object(), Path("x"), {"a": {"b": object()}}])
def test_what_has_no_json_form_has_no_identity(value: object) -> None:
    with pytest.raises(TypeError):
        digest(value)


@pytest.mark.parametrize("value", [float("nan"), [float("inf")]])
def test_numbers_that_are_none_have_no_identity(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest(value)


def put(store: Store, key: str = "k1", content: bytes = b"film") -> Stored:
    with store.scratch() as folder:
        (folder / "dub.mp4").write_bytes(content)
        dub = Dub(video=File.of(folder / "dub.mp4"), duration=1.0, picture="copied", subtitles=())
        return store.put("combine", key, dub, {"seconds": 1.5}, folder)


def test_a_result_is_found_again_with_its_files_and_record(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.find("combine", "k1", Dub) is None
    made = put(store)
    found = Store(tmp_path).find("combine", "k1", Dub)
    assert found == made
    assert found is not None
    assert found.artefact.video.path == tmp_path / "combine" / "k1" / "dub.mp4"
    assert found.artefact.video.path.read_bytes() == b"film"
    assert found.digest == found.artefact.digest() == found.record["output"]
    assert (found.record["seconds"], found.record["stage"], found.record["key"]) == (1.5, "combine", "k1")
    assert not list((tmp_path / "tmp").iterdir())


def test_a_store_can_be_moved(tmp_path: Path) -> None:
    made = put(Store(tmp_path / "old"))
    (tmp_path / "old").rename(tmp_path / "new")
    found = Store(tmp_path / "new").find("combine", "k1", Dub)
    assert found is not None
    assert found.digest == made.digest
    assert found.artefact.video.path == tmp_path / "new" / "combine" / "k1" / "dub.mp4"


def _lose(home: Path) -> None:
    (home / "dub.mp4").unlink()


def _cut(home: Path) -> None:
    (home / "dub.mp4").write_bytes(b"fi")


def _half_written(home: Path) -> None:
    (home / "artefact.json").write_text((home / "artefact.json").read_text()[:20])


def _no_record(home: Path) -> None:
    (home / "record.json").unlink()


def _empty_record(home: Path) -> None:
    (home / "record.json").write_text("{}")


def _odd_record(home: Path) -> None:
    (home / "record.json").write_text("[]")


def _other_version(home: Path) -> None:
    (home / "artefact.json").write_text('{"film": 1}')


@pytest.mark.parametrize("harm", [_lose, _cut, _half_written, _no_record, _empty_record, _odd_record, _other_version])
def test_a_damaged_result_counts_as_none_and_is_replaced(tmp_path: Path, harm: Any) -> None:
    store = Store(tmp_path)
    put(store)
    harm(tmp_path / "combine" / "k1")
    assert store.find("combine", "k1", Dub) is None
    put(store)
    found = store.find("combine", "k1", Dub)
    assert found is not None
    assert found.artefact.video.path.read_bytes() == b"film"


def test_where_another_process_was_first_its_result_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = put(store, content=b"one")
    second = put(store, content=b"two")
    assert second == first
    assert second.artefact.video.path.read_bytes() == b"one"


def test_a_failure_leaves_no_result_and_no_scratch(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(RuntimeError, match="broke"), store.scratch() as folder:
        (folder / "half.mp4").write_bytes(b"half")
        raise RuntimeError("broke")
    assert not list((tmp_path / "tmp").iterdir())
    assert store.find("combine", "k1", Dub) is None


def test_scratch_of_the_dead_is_swept_and_that_of_the_living_is_not(tmp_path: Path) -> None:
    store = Store(tmp_path)
    dead = tmp_path / "tmp" / "dead"
    dead.mkdir()
    (dead / "half.mp4").write_bytes(b"half")
    dead.with_suffix(".lock").touch()
    with store.scratch() as alive:
        (alive / "half.mp4").write_bytes(b"half")
        Store(tmp_path)
        assert (alive / "half.mp4").exists()
        assert not dead.exists()
        assert not dead.with_suffix(".lock").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutOfSpace, match="Choose a folder"):
        Store(tmp_path / "file" / "store")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told(code: int) -> None:
    with pytest.raises(OutOfSpace, match=r"is full.*make room"), told(Path("/data")):
        raise OSError(code, "no room")


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_read_only_folder_is_told(code: int) -> None:
    with pytest.raises(OutOfSpace, match="Cannot write in /data"), told(Path("/data")):
        raise OSError(code, "read only")


def test_trouble_with_files_elsewhere_is_not_blamed_on_the_store() -> None:
    with pytest.raises(PermissionError, match="weights"), told(Path("/data")):
        raise PermissionError(errno.EACCES, "Permission denied", "/models/weights.bin")
    with pytest.raises(OutOfSpace, match="Cannot write in /data"), told(Path("/data")):
        raise PermissionError(errno.EACCES, "Permission denied", "/data/tmp/x")


def test_other_errors_pass_through() -> None:
    with pytest.raises(FileNotFoundError), told(Path("/data")):
        raise FileNotFoundError(errno.ENOENT, "gone")


def test_the_default_place_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DUBKIT_STORE", str(tmp_path / "mine"))
    assert default_root() == tmp_path / "mine"
    monkeypatch.delenv("DUBKIT_STORE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert default_root() == tmp_path / "share" / "dubkit" / "store"


def text(path: Path, value: object) -> None:
    path.write_text(str(value))


def test_items_are_made_once_and_just_where_missing(items: Items) -> None:
    asked: list[list[int]] = []

    def make(missing: list[int]) -> Iterable[str]:
        asked.append(missing)
        return (f"value {n}" for n in missing)

    first = dict(items.complete(["a", "b"], ".txt", make, text))
    second = dict(items.complete(["c", "b", "d", "a"], ".txt", make, text))
    assert asked == [[0, 1], [0, 2]]
    assert second[1] == first[1]
    assert second[3] == first[0]
    assert [second[n].read_text() for n in range(4)] == ["value 0", "value 1", "value 2", "value 0"]
    dict(items.complete(["a", "b", "c"], ".txt", make, text))
    assert len(asked) == 2


def test_equal_items_are_made_once(items: Items) -> None:
    asked: list[list[int]] = []

    def make(missing: list[int]) -> Iterable[str]:
        asked.append(missing)
        return (f"value {n}" for n in missing)

    found = dict(items.complete(["a", "b", "a", "a"], ".txt", make, text))
    assert asked == [[0, 1]]
    assert sorted(found) == [0, 1, 2, 3]
    assert found[0] == found[2] == found[3] != found[1]


def test_items_made_before_a_failure_are_kept(items: Items) -> None:
    def breaking(missing: list[int]) -> Iterable[str]:
        for n in missing:
            if n == 2:
                raise MemoryError("out of memory")
            yield f"value {n}"

    with pytest.raises(MemoryError):
        list(items.complete("abcd", ".txt", breaking, text))
    asked: list[list[int]] = []

    def make(missing: list[int]) -> Iterable[str]:
        asked.append(missing)
        return [f"value {n}" for n in missing]

    assert len(dict(items.complete("abcd", ".txt", make, text))) == 4
    assert asked == [[2, 3]]


def test_a_half_written_item_never_appears(items: Items) -> None:
    def write(path: Path) -> None:
        path.write_text("half")
        raise OSError(errno.EIO, "disk broke")

    with pytest.raises(OSError, match="disk broke"):
        items.keep("a", ".txt", write)
    assert items.find("a", ".txt") is None
    assert [p for p in items.root.rglob("*") if p.is_file()] == []


def test_a_disk_that_fills_up_while_an_item_is_kept_is_told(items: Items) -> None:
    def write(path: Path) -> None:
        raise OSError(errno.ENOSPC, "no room")

    with pytest.raises(OutOfSpace, match="is full"):
        items.keep("a", ".txt", write)


@pytest.mark.parametrize("n", [1, 3])
def test_a_back_end_that_gives_too_few_or_too_many_is_found_out(items: Items, n: int) -> None:
    with pytest.raises(ValueError, match="zip"):
        list(items.complete("ab", ".txt", lambda missing: ["value"] * n, text))


def test_several_may_keep_the_same_item_at_once(items: Items) -> None:
    threads = [
        threading.Thread(target=items.keep, args=("a", ".txt", lambda path, n=n: path.write_text(f"{n}" * 100)))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = items.find("a", ".txt")
    assert found is not None
    kept = found.read_text()
    assert len(kept) == 100
    assert len(set(kept)) == 1


def test_every_file_of_an_artefact_is_found(tmp_path: Path) -> None:
    handles = []
    for name in ("a.mp4", "b.srt", "c.vtt"):
        (tmp_path / name).write_text(name)
        handles.append(File.of(tmp_path / name))
    dub = Dub(video=handles[0], duration=1.0, picture="copied", subtitles=tuple(handles[1:]))
    assert list(files(dub)) == handles


def aged(root: Path, seconds: float) -> None:
    """Let all files look as if nobody had used them for so long."""
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - seconds,) * 2)


def test_what_nobody_has_used_for_long_is_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "old")
    store.items("synthesize").keep("old", ".txt", lambda path: path.write_text("x") and None)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "old.json").write_text("{}")
    aged(tmp_path, 1000)
    put(store, "new")
    store.items("synthesize").keep("new", ".txt", lambda path: path.write_text("y") and None)
    assert store.expire(2000) == 0
    assert store.expire(500) > 4
    assert store.find("combine", "old", Dub) is None and store.find("combine", "new", Dub)
    assert store.items("synthesize").find("old", ".txt") is None and store.items("synthesize").find("new", ".txt")
    assert not list((tmp_path / "runs").iterdir()) and not list((tmp_path / "tmp").iterdir())


def test_what_was_found_again_counts_as_used(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store)
    kept = store.items("synthesize").keep("part", ".txt", lambda path: path.write_text("x") and None)
    aged(tmp_path, 1e6)
    store.find("combine", "k1", Dub)
    list(store.items("synthesize").complete(["part"], ".txt", lambda missing: (), lambda path, value: None))
    assert store.expire(1e5) == 0
    assert store.find("combine", "k1", Dub) and kept.exists()
