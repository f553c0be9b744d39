"""Files are whole or absent, and foreign ones are refused by a sentence."""

import jax.numpy as jnp
import numpy as np
import pytest

import spindle as spd
from spindle.storage.arrays import load_arrays, load_tree, save_arrays, save_tree, write_atomically

TREE = {"a": jnp.arange(3.0), "b": (jnp.ones((2, 2)), jnp.int32(4))}


def test_tree_comes_back_as_it_was(tmp_path):
    save_tree(tmp_path / "c.npz", TREE, {"phase": 1})
    tree, meta = load_tree(tmp_path / "c.npz", TREE)
    assert meta["phase"] == 1
    assert np.array_equal(tree["a"], TREE["a"])
    assert tree["b"][1] == 4


def test_another_structure_is_refused(tmp_path):
    save_tree(tmp_path / "c.npz", TREE, {})
    with pytest.raises(spd.RunError, match="do not fit this problem and method"):
        load_tree(tmp_path / "c.npz", {"a": jnp.arange(4.0), "b": TREE["b"]})


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"\x80\x04\x95"])
def test_damaged_files_are_refused(tmp_path, content):
    (tmp_path / "c.npz").write_bytes(content)
    with pytest.raises(spd.RunError, match="damaged or foreign"):
        load_arrays(tmp_path / "c.npz")


def test_truncated_file_is_refused(tmp_path):
    save_arrays(tmp_path / "c.npz", {"x": np.arange(1000.0)}, {})
    whole = (tmp_path / "c.npz").read_bytes()
    (tmp_path / "c.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(spd.RunError, match="damaged or foreign"):
        load_arrays(tmp_path / "c.npz")


def test_pickled_objects_are_never_loaded(tmp_path):
    np.savez(tmp_path / "c.npz", meta=np.array([{"x": 1}], dtype=object))
    with pytest.raises(spd.RunError, match="damaged or foreign"):
        load_arrays(tmp_path / "c.npz")


def test_failed_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "f"
    write_atomically(target, b"old")
    with pytest.raises(TypeError):
        write_atomically(target, "not bytes")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
