"""Every module can be the first that somebody imports: none needs another to have been there before it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FRESH = """
import importlib, sys
failed = []
for name in sys.argv[1:]:
    for known in [m for m in sys.modules if m.partition(".")[0] in ("dubkit", "evaluation")]:
        del sys.modules[known]
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed.append(f"{name}: {error}")
print("\\n".join(failed))
"""


def test_no_module_depends_on_the_order_of_imports():
    files = [
        p
        for folder in ("dubkit", "dubkit/plots", "evaluation", "evaluation/tuning")
        for p in (ROOT / folder).glob("*.py")
    ]
    names = [".".join(p.relative_to(ROOT).with_suffix("").parts) for p in files if not p.stem.startswith("__")]
    assert len(names) > 80
    done = subprocess.run([sys.executable, "-c", FRESH, *sorted(names)], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr
