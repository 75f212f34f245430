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
        "import sys, meterdrop.cli, meterdrop.service.pipeline; "
        f"print(*[name for name in {_HEAVY!r} if name in sys.modules])"
    )

    brought = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert brought.stdout.split() == []
