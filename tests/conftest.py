"""How many examples does a property test try? `HYPOTHESIS_PROFILE=nightly` tries many more."""

import os

from hypothesis import HealthCheck, settings

_CHECKS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
"""What `homes` gives may serve many examples: each copies a home, or only looks at one."""

settings.register_profile("default", max_examples=60, deadline=None, suppress_health_check=_CHECKS)
settings.register_profile("nightly", max_examples=2_000, deadline=None, suppress_health_check=_CHECKS)
pytest_plugins = ["tests.tables", "tests.homes", "tests.order", "tests.s3", "tests.leftovers"]

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

os.environ.setdefault("METERDROP_TODAY", "2026-11-24")
"""Samples have dates: for every test, and the processes it starts, it is this day, whatever the clock says."""
