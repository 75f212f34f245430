"""The walls of the house stand: who may import whom is checked by import-linter on every run."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_import_contracts_are_kept() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_door_starts_without_the_pipelines_packages(tmp_path: Path) -> None:
    """The door's own process must not even look at the pipeline or its libraries."""
    unwanted = (
        "meterdrop",
        "sqlalchemy",
        "pandas",
        "pandera",
        "numpy",
        "pyarrow",
        "pydantic",
        "ruamel",
        "httpx",
    )
    code = (
        "import sys, sftp_server.__main__\n"
        f"found = sorted(name for name in sys.modules if name.split('.')[0] in {unwanted!r})\n"
        "assert not found, found"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
