"""Data files: three formats, scattered or on a grid, and what damaged or dishonest ones are answered."""

import base64
import struct
import tracemalloc
import zipfile
import zlib

import h5py
import numpy as np
import pytest
import xarray

import spindle as spd

t, x = spd.coordinates("t x")
NODES_T, NODES_X = np.linspace(0, 1, 4), np.array([0, 0.3, 0.7, 1, 1.5])
GRID = np.sin(NODES_T)[:, None] + NODES_X**2
HEAD = 'unknowns = "u"\ncoordinates = { t = [0, 1], x = [0, 1.5] }\n'


def table(folder, entry):
    """The tabulated function of a file with one."""
    text = HEAD + 'equations = ["u = kappa"]\ntabulated = { kappa = ' + entry + " }"
    (folder / "p.toml").write_text(text)
    (found,) = spd.read_problem(folder / "p.toml").equations
    return found.written.rhs


def observed(folder, entry):
    (folder / "p.toml").write_text(HEAD + 'equations = ["u = 1"]\nconditions = [{ observed = "u", ' + entry + " }]")
    (condition,) = spd.read_problem(folder / "p.toml").conditions
    return np.stack([*condition.points.values(), condition.values], 1)


@pytest.fixture
def folder(tmp_path):
    """The same grid in every format."""
    np.savez(tmp_path / "a.npz", t=NODES_T, x=NODES_X, kappa=GRID, turned=GRID.T)
    rows = np.array([(a, b, GRID[i, j]) for i, a in enumerate(NODES_T) for j, b in enumerate(NODES_X)])
    shuffled = np.random.default_rng(0).permutation(rows)
    lines = ["# measured in May", "t, x,kappa", *(",".join(map(repr, map(float, row))) for row in shuffled), ""]
    (tmp_path / "a.csv").write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    (tmp_path / "rows.csv").write_text("x,t,u\n" + "\n".join(",".join(map(str, r[[1, 0, 2]])) for r in rows))
    data = xarray.Dataset({"kappa": (("x", "t"), GRID.T), "note": ((), "text")}, {"t": NODES_T, "x": NODES_X})
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    data.drop_vars("note").to_netcdf(tmp_path / "old.nc", engine="scipy")
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / "data" / "b.npz", t=rows[:, 0], x=rows[:, 1], u=rows[:, 2])
    return tmp_path


@pytest.mark.parametrize("name", ["a.npz", "a.csv", "a.nc", "old.nc"])
def test_tables_are_read_from_every_format(folder, name):
    assert table(folder, f'{{ data = "{name}" }}') == spd.tabulated("kappa", {t: NODES_T, x: NODES_X}, GRID)


def test_axes_and_variables_may_be_named(folder):
    turned = spd.tabulated("kappa", {x: NODES_X, t: NODES_T}, GRID.T)
    assert table(folder, '{ data = "a.npz", variable = "turned", axes = ["x", "t"] }') == turned
    assert table(folder, '{ data = "a.nc", axes = ["x", "t"] }') == turned
    inline = "{ at = { x = [0, 1, 2] }, values = [1, 2.5, 3] }"
    assert table(folder, inline) == spd.tabulated("kappa", {x: [0, 1, 2]}, [1, 2.5, 3])
    joined = inline.replace(" }", ', interpolation = "nearest" }').replace(', interpolation = "nearest" }', " }", 1)
    assert table(folder, joined) == spd.tabulated("kappa", {x: [0, 1, 2]}, [1, 2.5, 3], interpolation="nearest")
    with pytest.raises(spd.ProblemError, match=r"interpolation='neares'.*Did you mean `nearest`"):
        table(folder, joined.replace("nearest", "neares"))


@pytest.mark.parametrize(
    "entry",
    [
        'data = "rows.csv"',
        'data = "data/b.npz"',
        'data = "a.npz", variable = "kappa"',
        'data = "a.nc", variable = "kappa"',
    ],
)
def test_measurements_may_be_scattered_or_on_a_grid(folder, entry):
    expected = observed(folder, 'data = "rows.csv"')
    np.testing.assert_array_equal(observed(folder, entry), expected)
    assert len(expected) == GRID.size


def test_a_reference_may_be_tabulated(folder):
    text = HEAD + 'equations = ["u = 1"]\nreference = { u = { data = "a.nc", variable = "kappa", '
    (folder / "p.toml").write_text(text + 'relative_error = "1e-6/2", source = "a solver" } }')
    ((_, found),) = spd.read_problem(folder / "p.toml").reference.items()
    assert (list(found.axes), found.relative_error, found.source) == (["t", "x"], 5e-7, "a solver")
    np.testing.assert_array_equal(found.values, GRID)


def test_a_table_must_cover_the_domain(folder):
    with pytest.raises(
        spd.ProblemError, match=r"p.toml, line 3, .*tabulated for x from 0 to 1, but the domain reaches"
    ):
        table(folder, "{ at = { x = [0, 1] }, values = [1, 2] }")


def written(name, content):
    def write(path):
        (path / name).write_bytes(content)

    return write


def pickled(path):
    np.savez(path / "b.npz", kappa=np.array([print], object), t=NODES_T, x=NODES_X)


def complex_numbers(path):
    np.savez(path / "b.npz", kappa=GRID + 0j, t=NODES_T, x=NODES_X)


def of_shape(values, **others):
    def write(path):
        np.savez(path / "b.npz", **{"t": NODES_T, "x": NODES_X, "kappa": values} | others)

    return write


def bomb(path):
    """An archive that says that it unpacks to 20 GB."""
    np.savez(path / "b.npz", kappa=GRID, t=NODES_T, x=NODES_X)
    raw = (path / "b.npz").read_bytes()
    with zipfile.ZipFile(path / "b.npz") as archive:
        size = archive.getinfo("kappa.npy").file_size
    huge = (2_000_000_000).to_bytes(4, "little")
    (path / "b.npz").write_bytes(raw.replace(size.to_bytes(4, "little"), huge))


def linked(path):
    with h5py.File(path / "b.nc", "w") as file:
        file["kappa"] = h5py.ExternalLink("/etc/other.h5", "secret")


def external(path):
    with h5py.File(path / "b.nc", "w") as file:
        file.create_dataset("kappa", (16,), "u1", external=[("/etc/passwd", 0, 16)])


DAMAGED = [
    (written("b.csv", b""), "b.csv", "has no rows"),
    (written("b.csv", b"t,x,kappa\n"), "b.csv", "has no rows"),
    (written("b.csv", b"t,x,kappa\n1,2\n"), "b.csv", "b.csv, line 2: it has 2 values for 3 columns"),
    (
        written("b.csv", b"t,x,kappa\n1,2,3\n1,two,3\n"),
        "b.csv",
        "b.csv, line 3: `x` is 'two', and needs a finite number",
    ),
    (written("b.csv", b"t;x;kappa\n1;2;3,5\n"), "b.csv", "`kappa` is '3,5'.* decimals are written with a point"),
    (written("b.csv", b"t,t,kappa\n1,2,3\n"), "b.csv", "two columns have the same name"),
    (written("b.csv", b"t,x,kapa\n1,2,3\n"), "b.csv", "no `kappa` in it. Did you mean `kapa`"),
    (written("b.csv", b"t,x,kappa\n0,0,1\n1,0,2\n0,1.5,3\n"), "b.csv", "3 rows are no grid: t, x take 2 x 2"),
    (written("b.csv", b"t,x,kappa\n0,0,1\n1,0,2\n0,1.5,3\n0,0,4\n"), "b.csv", "NaN|no grid"),
    (written("b.csv", b"t,x,kappa\n0,0,nan\n1,0,2\n0,1.5,3\n1,1.5,4\n"), "b.csv", "b.csv, line 2: `kappa` is 'nan'"),
    (written("b.csv", b"\xff\xfe\x00"), "b.csv", "cannot be read"),
    (written("b.npz", b"no archive"), "b.npz", "cannot be read"),
    (written("b.nc", b"no archive"), "b.nc", "cannot be read"),
    (written("b.nc", b"\x89HDF\r\n\x1a\n" + b"\0" * 50), "b.nc", "cannot be read"),
    (written("b.txt", b"1 2 3"), "b.txt", "files are read that end in .csv, .npz, .nc"),
    (pickled, "b.npz", "cannot be read .*allow_pickle=False"),
    (complex_numbers, "b.npz", "holds complex128 and no real numbers"),
    (of_shape(GRID[:3]), "b.npz", r"the shape \(3, 5\), but the nodes of t, x ask for \(4, 5\)"),
    (of_shape(GRID.ravel()), "b.npz", "20 rows are no grid|no grid"),
    (of_shape(GRID, t=NODES_T[::-1]), "b.npz", "nodes of t .*increasing numbers"),
    (of_shape(GRID, t=np.eye(2)), "b.npz", "nodes of t|ask for"),
    (of_shape(GRID, x=[0, 0.3, 0.7, 1, np.nan]), "b.npz", "nodes of x of which 1 are NaN"),
    (of_shape(GRID, x=NODES_X / 2), "b.npz", "tabulated for x from 0 to 0.75"),
    (bomb, "b.npz", "unpacks to 2,0.* bytes|cannot be read"),
    (linked, "b.nc", "`kappa` leads to another file"),
    (external, "b.nc", "`kappa` leads to another file"),
]


@pytest.mark.parametrize(("damage", "name", "words"), DAMAGED, ids=[words[:20] for _, _, words in DAMAGED])
def test_damaged_and_dishonest_data_are_refused_at_their_line(tmp_path, damage, name, words):
    damage(tmp_path)
    with pytest.raises(spd.ProblemError, match=words) as refused:
        table(tmp_path, f'{{ data = "{name}" }}')
    assert str(refused.value).startswith(f"{tmp_path / 'p.toml'}, line ")
    assert "\n" not in str(refused.value)


# ----------------------------------------------------------------------------------- much from small files


def unwritten(path):
    """Chunks that were never written: kilobytes on the disk."""
    with h5py.File(path / "b.nc", "w") as file:
        for name, nodes in (("t", NODES_T), ("x", NODES_X)):
            file.create_dataset(name, data=nodes).make_scale(name)
        file.create_dataset("kappa", shape=(50_000_000,), dtype="i1", chunks=(1_000_000,))


def one_large_chunk(path):
    with h5py.File(path / "b.nc", "w") as file:
        file.create_dataset(
            "kappa", shape=(5,), maxshape=(None,), dtype="f8", chunks=(100_000_000,), compression="gzip"
        )


def many_bytes(path):
    np.savez_compressed(path / "b.npz", kappa=np.zeros(21_000_000, np.uint8), t=NODES_T, x=NODES_X)


def diagonal(path):
    rows = [f"{k / 20000},{k / 20000},1" for k in range(20_001)]
    (path / "b.csv").write_text("t,x,kappa\n" + "\n".join(rows))


def long_text(path):
    with (path / "b.csv").open("w") as file:
        file.truncate(31_000_000)


BOMBS = [
    (unwritten, "b.nc", "have 50,000,009 numbers, of which 20,000,000 are read"),
    (one_large_chunk, "b.nc", "kappa have 100,000,000 numbers, of which"),
    (many_bytes, "b.npz", "arrays have 21,000,009 numbers, of which 20,000,000 are the most"),
    (diagonal, "b.csv", "its 20001 rows are no grid: t, x take 20001 x 20001"),
    (long_text, "b.csv", "has more than 30,000,000 bytes of text; write it as npz"),
]


@pytest.mark.parametrize(("make", "name", "words"), BOMBS, ids=[make.__name__ for make, _, _ in BOMBS])
def test_small_files_of_much_are_refused_before_they_take_memory(tmp_path, make, name, words):
    make(tmp_path)
    tracemalloc.start()
    with pytest.raises(spd.ProblemError, match=words):
        table(tmp_path, f'{{ data = "{name}" }}')
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6


def test_only_named_variables_are_read(tmp_path):
    """Others may hold anything, and any amount of it."""
    unwritten(tmp_path)
    with h5py.File(tmp_path / "b.nc", "a") as file:
        file.move("kappa", "other")
        made = file.create_dataset("kappa", data=GRID)
        for axis, name in enumerate(("t", "x")):
            made.dims[axis].attach_scale(file[name])
    np.savez(
        tmp_path / "b.npz", kappa=GRID, t=NODES_T, x=NODES_X, words=np.array(["a"]), code=np.array([print], object)
    )
    for name in ("b.nc", "b.npz"):
        assert table(tmp_path, f'{{ data = "{name}" }}') == spd.tabulated("kappa", {t: NODES_T, x: NODES_X}, GRID)


MANY = {
    "coordinates": HEAD.replace("t = [0, 1]", ", ".join(f"x{k} = [0, 1]" for k in range(1000)))
    + 'equations = ["u = 1"]',
    "conditions": HEAD + 'equations = ["u = 1"]\nconditions = [' + '{ dirichlet = "u = 0" },' * 5000 + "]",
    "equations": HEAD + "equations = [" + '"u = 1",' * 5000 + "]",
    "parameters": HEAD + "parameters = {" + ", ".join(f"p{k} = 1" for k in range(1000)) + "}",
}


@pytest.mark.parametrize("what", MANY)
def test_very_many_parts_are_refused(tmp_path, what):
    (tmp_path / "p.toml").write_text(MANY[what])
    with pytest.raises(
        spd.ProblemError, match=rf"p.toml, line \d+, column \d+: there are [\d,]+ {what} here, of which"
    ):
        spd.read_problem(tmp_path / "p.toml")


def test_very_many_measurements_are_refused(tmp_path):
    np.savez(tmp_path / "b.npz", u=np.zeros(1_000_001), t=np.zeros(1_000_001), x=np.zeros(1_000_001))
    with pytest.raises(spd.ProblemError, match="has 1,000,001 measurements, of which 1,000,000 are the most"):
        observed(tmp_path, 'data = "b.npz"')


def test_a_mesh_that_unpacks_to_much_is_refused(tmp_path):
    pytest.importorskip("meshio")
    packed = zlib.compress(b"\0" * 1_000_000_000, 9)
    block = base64.b64encode(struct.pack("<4I", 1, 1_000_000_000, 0, len(packed))) + base64.b64encode(packed)
    (tmp_path / "b.vtu").write_text(
        '<?xml version="1.0"?><VTKFile type="UnstructuredGrid" version="0.1" byte_order="LittleEndian" '
        'header_type="UInt32" compressor="vtkZLibDataCompressor"><UnstructuredGrid><Piece NumberOfPoints="40000000" '
        'NumberOfCells="1"><Points><DataArray type="Float64" NumberOfComponents="3" format="binary">'
        + block.decode()
        + '</DataArray></Points><Cells><DataArray type="Int32" Name="connectivity" format="ascii">0 1 2</DataArray>'
        '<DataArray type="Int32" Name="offsets" format="ascii">3</DataArray><DataArray type="UInt8" Name="types" '
        'format="ascii">5</DataArray></Cells></Piece></UnstructuredGrid></VTKFile>'
    )
    x, y, z = spd.coordinates("x y z")
    with pytest.raises(spd.ProblemError, match=r"cannot be read as a mesh \(it needs more than 1,200,000,000 bytes"):
        spd.Mesh((x, y, z), tmp_path / "b.vtu")


def test_decimal_commas_and_units_in_headers(tmp_path):
    (tmp_path / "log.csv").write_text("id;t [s];x (m);u [K]\nA;0,5;0,25;1,5\nB;1;0,75;-2,5e-1\n")
    (tmp_path / "log.toml").write_text(
        'unknowns = "u"\ncoordinates = { t = [0, 1], x = [0, 1] }\nequations = ["diff(u, t) = laplacian(u)"]\n'
        'conditions = [{ observed = "u", data = "log.csv", decimal = "," }]\n'
    )
    (measured,) = spd.read_problem(tmp_path / "log.toml").conditions
    assert [v.tolist() for v in measured.points.values()] == [[0.5, 1.0], [0.25, 0.75]]
    assert measured.values.tolist() == [1.5, -0.25]
    assert measured.units == "t in s, x in m, u in K"
