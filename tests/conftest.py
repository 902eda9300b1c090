"""Fixtures for every test."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side; more threads would wait

settings.register_profile("saccade", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("saccade")


@pytest.fixture(scope="session", autouse=True)
def no_models_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Models that the person at this machine imported take no part in tests."""
    os.environ["SACCADE_MODELS"] = str(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of real recordings, which are too large or too restricted for the repository."""
    folder = os.environ.get("SACCADE_TEST_DATA")
    if not folder:
        pytest.skip("SACCADE_TEST_DATA names no folder of real recordings")
    if not Path(folder).is_dir():
        pytest.fail(f"SACCADE_TEST_DATA={folder} is no folder")
    return Path(folder)
