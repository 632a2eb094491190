"""Makes a CUDA build of torchaudio work beside a CPU build of torch.

The package index holds only the CUDA build of torchaudio for Linux. Its native libraries cannot load without CUDA, and
their presence alone makes transformers' and pyannote.audio's imports fail. torchaudio falls back to pure Python where
they are absent, so this moves them into ``torchaudio/lib/aside``. Resampling, filters and Kaldi features keep working;
forced alignment does not (dubkit does not use it).

    python scripts/mend_torchaudio.py [--undo]

Runs in the environment that it mends, needs nothing but the standard library, and does nothing the second time.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import sysconfig
from pathlib import Path

ASIDE = "aside"
PATTERN = "*torchaudio*.so"
IMPORTS = "import torchaudio; from transformers import WhisperForConditionalGeneration"


def version_fields(package: Path) -> dict[str, object]:
    """What a package's ``version.py`` assigns, read without importing it; empty where there is no such file."""
    file = package / "version.py"
    if not file.is_file():
        return {}
    fields: dict[str, object] = {}
    for node in ast.parse(file.read_text()).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            value = getattr(node, "value", None)
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
                fields[target.id] = value.value
    return fields


def needs_mending(site: Path) -> bool:
    """Whether `site` holds a CPU build of torch and a CUDA build of torchaudio with its native libraries in place."""
    torch, torchaudio = version_fields(site / "torch"), version_fields(site / "torchaudio")
    mismatch = "cuda" in torch and torch["cuda"] is None and "+cu" in str(torchaudio.get("__version__", ""))
    return mismatch and any((site / "torchaudio" / "lib").glob(PATTERN))


def mend(site: Path) -> list[Path]:
    """Move torchaudio's native libraries aside where they cannot load.

    Parameters
    ----------
    site : Path
        The ``site-packages`` folder.

    Returns
    -------
    list of Path
        Where the libraries lie now; empty if nothing had to be done.
    """
    if not needs_mending(site):
        return []
    lib = site / "torchaudio" / "lib"
    (lib / ASIDE).mkdir(exist_ok=True)
    return [library.replace(lib / ASIDE / library.name) for library in sorted(lib.glob(PATTERN))]


def undo(site: Path) -> list[Path]:
    """Put the libraries back; returns where they lie now."""
    lib = site / "torchaudio" / "lib"
    back = [library.replace(lib / library.name) for library in sorted((lib / ASIDE).glob(PATTERN))]
    if (lib / ASIDE).is_dir():
        (lib / ASIDE).rmdir()
    return back


def imports_work(python: str) -> str:
    """Import torchaudio and transformers' Whisper in a new process; the error's last line, empty where they work."""
    done = subprocess.run([python, "-W", "ignore", "-c", IMPORTS], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]


def main() -> int:
    """Mend this interpreter's environment, or put it back; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--undo", action="store_true", help="put the native libraries back")
    site = Path(sysconfig.get_path("platlib"))
    if parser.parse_args().undo:
        print(f"torchaudio: {len(undo(site))} native libraries put back")
        return 0
    moved = mend(site)
    if not moved:
        print("torchaudio: nothing to mend")
        return 0
    if problem := imports_work(sys.executable):
        undo(site)
        print(
            f"torchaudio: moving its CUDA libraries aside did not make it import ({problem}); they are back in place.\n"
            "Install a pair that fits, the one pinned in constraints-cpu.txt, with: make clean-env setup",
            file=sys.stderr,
        )
        return 1
    print(
        f"torchaudio: a CUDA build beside a CPU build of torch; moved {len(moved)} native libraries to "
        f"{moved[0].parent.relative_to(site)}, torchaudio runs in pure Python (undo: scripts/mend_torchaudio.py --undo)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
