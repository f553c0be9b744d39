"""Files of RBF-FD weights: read again where every argument is the same, and never in the way."""

import numpy as np
import pytest

from spindle.derivatives.rbf_fd import cache as weights_cache
from spindle.derivatives.rbf_fd.cache import cached_weights
from spindle.derivatives.rbf_fd.weights import neighbours, weights
from tests.derivatives.test_rbffd import NODES, laplacian


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache folder for work of any size."""
    monkeypatch.setattr(weights_cache, "CACHE_FROM", 0)
    monkeypatch.setenv("SPINDLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def never(*_, **__):
    raise AssertionError("computed again")


SETTINGS = {"degree": 3, "size": 21, "exponent": 7}


def stored():
    return cached_weights(NODES, NODES, [laplacian(2), {(1, 0): 1.0}], **SETTINGS)


def test_what_was_computed_before_is_read(folder, monkeypatch):
    idx, found = stored()
    monkeypatch.setattr(weights_cache, "weights", never)
    again, read = stored()
    np.testing.assert_array_equal(again, idx)
    np.testing.assert_array_equal(read, found)
    assert again.dtype == np.int32 and isinstance(read, list)
    assert [p.suffix for p in folder.iterdir()] == [".npz"]
    # The default size is the same request, a place of its own another file.
    cached_weights(NODES, NODES, [laplacian(2), {(1, 0): 1.0}], degree=3)
    with pytest.raises(AssertionError, match="computed again"):
        cached_weights(NODES, NODES, [laplacian(2), {(1, 0): 1.0}], degree=3, folder=folder / "other")


@pytest.mark.parametrize("harm", ["truncated", "changed", "empty", "text", "of other arrays"])
def test_a_damaged_file_is_written_anew(folder, monkeypatch, harm):
    idx, found = stored()
    (path,) = folder.iterdir()
    data = bytearray(path.read_bytes())
    if harm == "of other arrays":
        np.savez(path, idx=idx[:2], weights=np.stack(found)[:, :2])
    else:
        middle = len(data) // 2
        changed = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        harmed = {"truncated": data[:-100], "changed": changed, "empty": b"", "text": b"weights"}
        path.write_bytes(harmed[harm])
    for _ in range(2):
        again, read = stored()
        np.testing.assert_array_equal(again, idx)
        np.testing.assert_array_equal(read, found)
        monkeypatch.setattr(weights_cache, "weights", never)
    assert list(folder.iterdir()) == [path]


def test_every_argument_has_a_part_in_the_key(folder):
    moved = NODES.copy()
    moved[0, 0] += 1e-15
    lap = [laplacian(2)]
    variants = [
        ((NODES, NODES, lap), {}),
        ((moved, NODES, lap), {}),
        ((NODES, moved, lap), {}),
        ((NODES, NODES[1:], lap), {}),
        ((NODES, NODES, [{(2, 0): 1.0, (0, 2): 2.0}]), {}),
        ((NODES, NODES, [{(2, 0): 1.0, (1, 1): 1.0}]), {}),
        ((NODES, NODES, [{(2, 0): 1.0}, {(0, 2): 1.0}]), {}),
        ((NODES, NODES, [{(2, 0): 1.0, (0, 2): np.ones(len(NODES))}]), {}),
        ((NODES, NODES, lap), {"degree": 2}),
        ((NODES, NODES, lap), {"size": 22}),
        ((NODES, NODES, lap), {"exponent": 5}),
        ((NODES, NODES, lap), {"idx": neighbours(NODES, NODES, 21)}),
    ]
    for count, (arguments, settings) in enumerate(variants, 1):
        idx, found = cached_weights(*arguments, **(SETTINGS | settings))
        assert len(list(folder.iterdir())) == count, (count, settings)
        expected, computed = weights(*arguments, **(SETTINGS | settings))
        np.testing.assert_array_equal(idx, expected)
        np.testing.assert_array_equal(found, computed)
    # The order in which the partials of a sum are written does not matter.
    cached_weights(NODES, NODES, [{(0, 2): 1.0, (2, 0): 1}], **SETTINGS)
    assert len(list(folder.iterdir())) == len(variants)


def test_a_folder_that_cannot_be_used_is_no_error(folder, tmp_path, monkeypatch):
    idx, found = stored()
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("SPINDLE_CACHE", str(tmp_path / "file" / "cache"))
    again, computed = stored()
    np.testing.assert_array_equal(computed, found)

    def full(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setenv("SPINDLE_CACHE", str(tmp_path / "full"))
    monkeypatch.setattr(weights_cache.np, "savez", full)
    again, computed = stored()
    np.testing.assert_array_equal(again, idx)
    np.testing.assert_array_equal(computed, found)
    assert not list((tmp_path / "full").iterdir())


def test_small_work_leaves_no_files(tmp_path, monkeypatch):
    monkeypatch.setenv("SPINDLE_CACHE", str(tmp_path))
    stored()
    assert not list(tmp_path.iterdir())


def test_the_usual_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.delenv("SPINDLE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights_cache._folder(None) == tmp_path / "spindle" / "rbffd"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights_cache._folder(None) == tmp_path / ".cache" / "spindle" / "rbffd"
