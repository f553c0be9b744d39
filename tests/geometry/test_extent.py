"""Domains too large, too small or too flat: one check, whatever they are made of."""

import numpy as np
import pytest

import spindle as spd

x, y, z, t = spd.coordinates("x y z t")
RING = np.stack([np.cos(np.arange(30) * np.pi / 15), np.sin(np.arange(30) * np.pi / 15)], 1)
INNER = np.random.default_rng(0).uniform(-0.6, 0.6, (50, 2))
CUBE = np.array([(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)], float)
CORNER = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
FACES = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])


def cloud(interior=INNER, boundary=RING):
    return spd.PointCloud((x, y), interior, boundary, RING)


BAD = {
    "huge box": lambda: spd.Box({x: (-1e200, 1e200), y: (-1e200, 1e200)}),
    "tiny box": lambda: spd.Box({x: (0, 1e-200), y: (0, 1e-200)}),
    "denormal box": lambda: spd.Box({x: (0, 5e-324), y: (0, 1)}),
    "far box": lambda: spd.Box({x: (1e16, 1e16 + 2), y: (0, 1)}),
    "many small axes": lambda: spd.Box({c: (0, 1e-29) for c in spd.coordinates("a b c d e f g h i j k l")}),
    "huge disk": lambda: spd.Disk({x: 0, y: 0}, 1e300),
    "tiny disk": lambda: spd.Disk({x: 0, y: 0}, 1e-300),
    "far disk": lambda: spd.Disk({x: 1e20, y: 0}, 1),
    "endless disk": lambda: spd.Disk({x: 10**400, y: 0}, 1),
    "slim ellipse": lambda: spd.Ellipse({x: 0, y: 0}, (1, 1e-9)),
    "tiny ball": lambda: spd.Ball({x: 0, y: 0, z: 0}, 1e-200),
    "huge polygon": lambda: spd.Polygon((x, y), [(0, 0), (1e300, 0), (0, 1e300)]),
    "flat polygon": lambda: spd.Polygon((x, y), [(0, 0), (1, 0), (2, 1e-300)]),
    "denormal polygon": lambda: spd.Polygon((x, y), [(0, 0), (1e-310, 0), (0, 1e-310)]),
    "flat mesh": lambda: spd.Mesh((x, y, z), (CORNER * [1, 1, 0], FACES)),
    "nearly flat mesh": lambda: spd.Mesh((x, y, z), (CORNER * [1, 1, 1e-40], FACES)),
    "denormal mesh": lambda: spd.Mesh((x, y, z), (CORNER * 1e-310, FACES)),
    "huge mesh": lambda: spd.Mesh((x, y, z), (CORNER * 1e300, FACES)),
    "mesh of one point": lambda: spd.Mesh((x, y, z), (CORNER * 0, FACES)),
    "coincident nodes": lambda: cloud(np.zeros((50, 2))),
    "two nodes at one place": lambda: cloud(np.concatenate([INNER, INNER[:1]])),
    "a node on the boundary": lambda: cloud(np.concatenate([INNER, RING[:1]])),
    "denormal nodes": lambda: cloud(INNER * 1e-310, RING * 1e-310),
    "huge nodes": lambda: cloud(INNER * 1e300, RING * 1e300),
    "a short time": lambda: spd.Disk({x: 0, y: 0}, 1) * spd.Interval(t, 0, 1e-200),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_domain_without_room_is_refused(kind):
    with pytest.raises(spd.ProblemError) as refused:
        BAD[kind]()
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    "made",
    [
        lambda: spd.Box({x: (0, 1e-9), t: (0, 1e9)}),
        lambda: spd.Box({x: (1.7e9, 1.7e9 + 10)}),
        lambda: spd.Disk({x: 0, y: 0}, 6.4e6),
        lambda: spd.Ellipse({x: 0, y: 0}, (1, 1e-3)),
        lambda: spd.Mesh((x, y, z), (CORNER * [1, 1, 1e-3], FACES)),
        cloud,
    ],
)
def test_physical_units_are_not(made):
    assert made().volume > 0


def test_boxes_that_cut_space_into_too_many_cells_are_refused():
    with pytest.raises(spd.ProblemError, match="cells, of which 200,000 are the most"):
        whole = None
        for k in range(40):
            box = spd.Box({c: (k, k + 0.5 + 0.1 * n) for n, c in enumerate(spd.coordinates("a b c d"))})
            whole = box if whole is None else whole | box
