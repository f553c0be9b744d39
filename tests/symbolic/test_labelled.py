"""Tables of pandas and arrays of xarray as measurements and as tables of coefficients."""

import numpy as np
import pandas
import pytest
import xarray

import spindle as spd
from spindle.symbolic.labelled import unit_of, without_unit

t, x = spd.coordinates("t x")
u = spd.unknown("u", t, x)
FRAME = pandas.DataFrame(
    {"sensor": ["A", "B", "B"], "t [s]": [0.1, 0.2, 0.3], "x": [0.5, 0.25, 0.75], "T (K)": [1.0, 2.0, 3.0]}
)
GRID = xarray.DataArray(
    np.arange(6.0).reshape(2, 3), {"x": [0.0, 1.0], "t": [0.0, 0.5, 1.0]}, ("x", "t"), "u", attrs={"units": "K"}
)


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [("t [s]", "t", "s"), ("T (°C)", "T", "°C"), ("u", "u", ""), ("a [b] c", "a [b] c", ""), ("[s]", "", "s")],
)
def test_units_stand_behind_names(header, name, unit):
    assert (without_unit(header), unit_of(header)) == (name, unit)


def test_a_table_is_its_columns():
    measured = spd.Observed(u, FRAME, columns={u: "T (K)"}, noise=0.1)
    assert measured.points["t"].tolist() == [0.1, 0.2, 0.3]
    assert measured.points["x"].tolist() == [0.5, 0.25, 0.75]
    assert measured.values.tolist() == [1, 2, 3]
    assert measured.texts(str) == ["u(t, x) observed at 3 points, noise 0.1 (t in s, u in K)"]


@pytest.mark.parametrize("data", [GRID, GRID.to_dataset(), GRID.transpose("t", "x")])
def test_an_array_is_the_list_of_its_points(data):
    measured = spd.Observed(u, data)
    told = {(a, b): v for a, b, v in zip(measured.points["t"], measured.points["x"], measured.values, strict=True)}
    assert told == {(b, a): float(GRID.sel(t=b, x=a)) for b in (0.0, 0.5, 1.0) for a in (0.0, 1.0)}
    assert measured.units == "u in K"


def test_tables_are_arrays_of_their_axes():
    nodes, values = {x: GRID.x.values, t: GRID.t.values}, GRID.values
    wanted = spd.tabulated("u", nodes, values)
    assert spd.tabulated("u", GRID) == wanted
    assert spd.tabulated("u", GRID.to_dataset()) == wanted
    rows = GRID.to_dataframe().reset_index().sample(frac=1, random_state=0)
    assert spd.tabulated("u", rows, over=(x, t)) == wanted
    renamed = rows.rename(columns={"t": "time [s]"})
    assert spd.tabulated("u", renamed, over=(x, t), columns={t: "time [s]"}) == wanted


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: spd.Observed(u, FRAME), "without a column `u`"),
        (lambda: spd.Observed(u, FRAME, columns={u: "sensor"}), "are no numbers"),
        (lambda: spd.Observed(u, FRAME, [1, 2, 3]), "a table and values beside it"),
        (lambda: spd.Observed(u, {t: [0], x: [0]}), "not given `values` and no table"),
        (lambda: spd.Observed(u, GRID.isel(t=0)), "without a dimension `t`"),
        (lambda: spd.Observed(u, GRID.expand_dims(z=2)), "choose what the others are"),
        (lambda: spd.tabulated("u", FRAME), "say what it depends on"),
        (lambda: spd.tabulated("T (K)", FRAME, over=(t, x)), "which are no grid"),
        (lambda: spd.tabulated("v", GRID.to_dataset(), over=(t, x)), "without a variable `v`"),
    ],
)
def test_what_is_not_in_the_data_is_named(make, words):
    with pytest.raises(spd.ProblemError, match=words):
        make()
