"""Draws the picture at the top of the README:  python docs/picture.py [a finished run of helmholtz3d]"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import spindle as sp
from spindle.gallery.registry import gallery


def main():
    """Solve Helmholtz 3-D by the default recipe, or load it, and draw one plane."""
    solution = sp.load(sys.argv[1]) if len(sys.argv) > 1 else sp.solve(gallery("helmholtz3d"), sp.SPINN())
    data = solution.to_xarray(x=161, y=161, z=np.array([1 / 6])).isel(z=0)
    error = np.abs(data.u - data.u_exact)
    panels = [("solution", data.u, "RdBu_r"), ("exact", data.u_exact, "RdBu_r"), ("absolute error", error, "magma_r")]
    figure = Figure(figsize=(10, 3), layout="constrained")
    for axes, (title, values, colours) in zip(figure.subplots(1, 3), panels, strict=True):
        limits = {} if title == "absolute error" else {"vmin": -1, "vmax": 1}
        image = axes.pcolormesh(data.x, data.y, values.T, cmap=colours, shading="gouraud", rasterized=True, **limits)
        axes.set(title=title, xlabel="x", ylabel="y", aspect="equal")
        figure.colorbar(image, ax=axes)
    figure.savefig(Path(__file__).with_name("helmholtz.png"), dpi=110)


if __name__ == "__main__":
    main()
