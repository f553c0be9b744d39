"""Files of others: what is no regular file, what unpacks to too much, and links where something is to be written."""

import io
import os
import struct
import zipfile

import numpy as np
import pytest

from spindle.errors import RunError
from spindle.results.directory import RunDirectory, write_json
from spindle.storage.arrays import load_arrays, remove_parts, save_arrays
from spindle.storage.bounded import Arrays, Unreadable, create, open_regular, read_regular, refuse_links
from spindle.storage.lock import Lock

# ------------------------------------------------------------------------------------------------------ reading

NO_FILES = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/null"),
    "folder": lambda path: path.mkdir(),
    "large": lambda path: path.write_bytes(b" " * 101),
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_regular_small_file_is_not_read(tmp_path, kind):
    NO_FILES[kind](tmp_path / "file")
    with pytest.raises((Unreadable, OSError)):
        open_regular(tmp_path / "file", 100).close()


def test_a_regular_file_is_read_and_a_link_to_one_too(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 100)
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_regular(tmp_path / "file", 100) == read_regular(tmp_path / "link", 100) == b"x" * 100


@pytest.mark.parametrize("name", ["run.json", "problem.npz", "solution.npz"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_run_directory_of_pipes_and_devices_is_refused_at_once(tmp_path, name, kind):
    NO_FILES[kind](tmp_path / name)
    with pytest.raises(RunError, match=r"is damaged or foreign|is no run directory") as refused:
        RunDirectory(tmp_path).read_info() if name == "run.json" else load_arrays(tmp_path / name)
    assert "\n" not in str(refused.value)


# ----------------------------------------------------------------------------------------------------- archives


def header(shape, kind="<f8"):
    text = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * ((64 - (len(text) + 11) % 64) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def archive(path, members, packed=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", packed) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


META = np.frombuffer(b"{}", np.uint8)


def saved(**arrays):
    stream = io.BytesIO()
    np.savez(stream, meta=META, **arrays)
    return stream.getvalue()


ARCHIVES = {
    "longer than it is": {"a.npy": header((10**12,))},
    "of so many axes": {"a.npy": header((10,) * 40)},
    "negative": {"a.npy": header((-1,)) + b"\0" * 8},
    "of words": {"a.npy": header((2,), "<U4") + b"\0" * 32},
    "of bytes": {"a.npy": header((2,), "|S8") + b"\0" * 16},
    "of objects": {"a.npy": header((1,), "|O") + b"\0" * 8},
    "of records": {"a.npy": header((1,), [("a", "<f8")]) + b"\0" * 8},
    "of nothing": {"a.npy": header((10**15,), "|V0")},
    "no array": {"a.npy": b"print('hello')"},
    "packed": {"a.npy": header((1_000_000,)) + b"\0" * 8_000_000},
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_arrays_are_looked_at_before_one_is_loaded(tmp_path, kind):
    meta = {"meta.npy": header((2,), "|u1") + b"{}"}
    path = archive(tmp_path / "solution.npz", meta | ARCHIVES[kind])
    with pytest.raises(RunError, match="is damaged or foreign"):
        load_arrays(path)
    if kind != "packed":
        with open_regular(path) as handle, pytest.raises(Unreadable, match=r"is no array of numbers|numbers, of which"):
            Arrays(handle).load(["a"])


def test_numbers_are_counted_rather_than_bytes(tmp_path):
    path = archive(
        tmp_path / "a.npz", {"a.npy": header((3000,), "|u1") + b"\0" * 3000, "b.npy": header((2,)) + b"\0" * 16}
    )
    with open_regular(path) as handle:
        arrays = Arrays(handle)
        assert list(arrays.load(["b"], most=2)) == ["b"]
        with pytest.raises(Unreadable, match="have 3,002 numbers, of which 3,001 are the most"):
            arrays.load(["a", "b"], most=3001)


def test_an_archive_of_very_many_arrays_is_not_listed(tmp_path):
    raw = bytearray(saved(a=np.zeros(2)))
    at = raw.rfind(b"PK\x05\x06")
    raw[at + 12 : at + 16] = (50_000_000).to_bytes(4, "little")
    (tmp_path / "a.npz").write_bytes(raw)
    with pytest.raises(RunError, match="too many arrays"):
        load_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"5", b"[]", b"{", b"\xff", b'{"a": 1' + b"0" * 5000 + b"}", b"[" * 100_000])
def test_a_description_that_is_none_is_refused(tmp_path, content):
    np.savez(tmp_path / "a.npz", meta=np.frombuffer(content, np.uint8))
    with pytest.raises(RunError, match="is damaged or foreign"):
        load_arrays(tmp_path / "a.npz")


# -------------------------------------------------------------------------------------------------------- links


@pytest.fixture
def victim(tmp_path):
    path = tmp_path / "outside" / "precious"
    path.parent.mkdir()
    path.write_text("precious")
    return path


WRITTEN = {
    "lock": (".lock", lambda run: Lock(run).acquire()),
    "json": ("run.json", lambda run: write_json(run / "run.json", {})),
    "arrays": ("solution.npz", lambda run: save_arrays(run / "solution.npz", {}, {})),
    "part": (f".run.json.{os.getpid()}.part", lambda run: write_json(run / "run.json", {})),
}


@pytest.mark.parametrize("link", ["symbolic", "hard", "dangling"])
@pytest.mark.parametrize("kind", WRITTEN)
def test_nothing_is_written_through_a_link(tmp_path, victim, kind, link):
    run = tmp_path / "run"
    run.mkdir()
    name, write = WRITTEN[kind]
    if link == "hard":
        os.link(victim, run / name)
    else:
        (run / name).symlink_to(victim if link == "symbolic" else victim.parent / "new")
    if kind == "lock":
        with pytest.raises(RunError, match=r"\.lock cannot be written \(it is a link to .*; remove the link"):
            write(run)
    else:
        write(run)
    assert victim.read_text() == "precious"
    assert list(victim.parent.iterdir()) == [victim]


def test_a_window_that_leads_elsewhere_is_refused(tmp_path, victim):
    (victim.parent / ".solution.npz.1.part").write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "window01").symlink_to(victim.parent)
    with pytest.raises(RunError, match="window01 is a link to another folder"):
        RunDirectory(tmp_path / "run").window(0)
    remove_parts(tmp_path / "run")
    assert (victim.parent / ".solution.npz.1.part").exists()


def test_what_is_new_is_created_and_what_is_there_is_checked(tmp_path):
    with create(tmp_path / "new") as handle:
        handle.write(b"x")
    refuse_links(tmp_path / "new")
    refuse_links(tmp_path / "not there")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        refuse_links(tmp_path / "pipe")
