"""A small family that tests of its page share."""

import pytest

import spindle as spd
from spindle.report.explore.queries import Explorer


@pytest.fixture(scope="module")
def run(family):
    """The directory of a small family that was trained for a few steps."""
    return family / "run"


@pytest.fixture(scope="module")
def explorer(run):
    return Explorer(spd.load(run))
