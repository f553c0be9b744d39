"""Classical solvers that give the truth where a closed form is missing, by NumPy and SciPy in double precision."""

from spindle.reference.allen_cahn import allen_cahn
from spindle.reference.burgers import burgers
from spindle.reference.diffusion import diffusion
from spindle.reference.lshape import lshape
from spindle.reference.tabulated import OnGrid

__all__ = ["OnGrid", "allen_cahn", "burgers", "diffusion", "lshape"]
