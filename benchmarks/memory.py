"""Does memory grow with a film's length? Peak memory of each stage over films of several lengths.

    python benchmarks/memory.py FILM --minutes 10 60 --until transcribe

FILM is repeated until it is long enough. Each length runs in a fresh process with an empty store; peak memory is the
process's largest resident set up to the end of each stage.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

from dub import shown, timed

from dubkit.media import address, ffmpeg_program


def repeated(film: Path, minutes: float, target: Path) -> Path:
    """The film over and over, packets copied."""
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-stream_loop", "-1", "-i", address(film)]
    subprocess.run([*command, "-t", str(minutes * 60), "-c", "copy", str(target)], check=True)
    return target


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[10, 60])
    parser.add_argument("--until", default="transcribe")
    chosen = parser.parse_args()
    print("| minutes | seconds | peak MB by stage |\n|---:|---:|---|")
    for minutes in chosen.minutes:
        with tempfile.TemporaryDirectory() as folder:
            film = repeated(chosen.film, minutes, Path(folder) / "long.mp4")
            options = ["--to", "pt", "--from", "en", "--store", f"{folder}/store"]
            options += ["--set", "validate.max_megabytes=100000"]
            wall, _ = timed("run", str(film), "--until", chosen.until, *options)
            stages = [row for row in shown(f"{folder}/store")["stages"] if row["peak MB"] != ""]
            peaks = ", ".join(f"{row['stage']} {row['peak MB']}" for row in stages)
            print(f"| {minutes:g} | {wall:.0f} | {peaks} |", flush=True)


if __name__ == "__main__":
    main()
