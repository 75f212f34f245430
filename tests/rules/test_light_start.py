"""Do commands and the pipeline's own process start without the libraries that only loading needs?"""

import subprocess
import sys

_HEAVY = (
    "numpy",
    "pandas",
    "pandera",
    "pyarrow",
    "jinja2",
    "paramiko",
    "alembic",
    "procrastinate",
    "psycopg",
)


def test_commands_and_the_pipeline_start_without_the_libraries_of_tables() -> None:
    program = (
        "import sys, meterdrop.cli.app, meterdrop.service.pipeline; "
        f"print(*[name for name in {_HEAVY!r} if name in sys.modules])"
    )

    brought = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert brought.stdout.split() == []


def test_schemas_are_read_without_pandas() -> None:
    """Their patterns are tried with Arrow, whose arrays would bring it along: half of what the pipeline's start took."""
    program = (
        "import sys, pathlib; from meterdrop.bootstrap import schema_folders; "
        "from meterdrop.catalog import read_catalog; "
        "print(len(read_catalog(schema_folders(pathlib.Path('none'))).feeds), 'pandas' in sys.modules)"
    )

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    feeds, has_pandas = told.stdout.split()
    assert int(feeds) > 0
    assert has_pandas == "False"
