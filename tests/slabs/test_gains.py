"""When refining ends: not while solutions come nearer by orders of magnitude, but where they do so by a power."""

import numpy as np
import pytest

from spindle.slabs.gains import Gains


def meshes_until_spent(counts, changes, tolerance=1e-8):
    """How many meshes are looked at before refining ends; None where it goes on."""
    gains = Gains(tolerance)
    for number, (count, change) in enumerate(zip(counts, changes, strict=True), start=1):
        gains.add(int(count), change)
        if gains.spent:
            return number
    return None


COUNTS = 1000 * 1.5 ** np.arange(12)


def test_what_falls_geometrically_is_refined_to_the_tolerance():
    assert meshes_until_spent(COUNTS, 0.1 * 10.0 ** -np.arange(12)) is None


@pytest.mark.parametrize("power", [0.5, 1, 2, 3])
def test_what_falls_by_a_small_power_ends_once_changes_are_small(power):
    counts = 1000 * 1.5 ** np.arange(60)
    changes = (counts / 1000) ** -power
    ended = meshes_until_spent(counts, changes)
    assert ended is not None and changes[ended - 1] < 1e-4
    assert ended == np.flatnonzero(changes <= 3e-5)[0] + 1


def test_large_changes_are_never_enough():
    assert meshes_until_spent(COUNTS, np.full(12, 1e-2)) is None


def test_what_no_longer_changes_less_has_ended():
    assert meshes_until_spent(COUNTS, np.full(12, 1e-5)) == 2


def test_a_solution_within_the_tolerance_is_the_matter_of_the_mesh():
    assert meshes_until_spent(COUNTS, np.full(12, 1e-9)) is None
