"""Draws the picture at the top of the README:  python docs/picture.py [a finished run of burgers]"""

import sys
from pathlib import Path

from matplotlib import pyplot as plt

import spindle as spd


def main():
    """Solve Burgers' equation by the default, or load it, and draw it whole and at four instants."""
    solution = spd.load(sys.argv[1]) if len(sys.argv) > 1 else spd.solve(spd.gallery.burgers())
    figure, (whole, lines) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    solution.plot(axes=whole)
    solution.plot(t=[0, 0.25, 0.5, 0.99], axes=lines)
    figure.savefig(Path(__file__).with_name("front.png"), dpi=110)


if __name__ == "__main__":
    main()
