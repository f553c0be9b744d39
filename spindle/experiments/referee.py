"""The problems that the field quotes, by our default, beside the best that is published of networks (November 2026)."""

from spindle.experiments.rows import Row
from spindle.methods.dtpinn import DTPINN
from spindle.methods.spinn import SPINN

_DSGNAR = "Webb, Jerad & Cartis (2026), arXiv 2607.02194, H100"
_PIRATE = "Wang et al. (2024), arXiv 2402.00326"

ROWS = (
    Row("burgers", SPINN(), published=8e-14, source=f"{_DSGNAR}, 346 s"),
    Row("burgers_moving", SPINN()),
    Row("burgers_two_fronts", SPINN()),
    Row("allen_cahn", SPINN(), published=9.4e-7, source="Urban, Stefanou & Pons (2025), arXiv 2501.16371"),
    Row("kdv", SPINN(), published=8.2e-11, source=f"{_DSGNAR}, 1,210 s"),
    Row("kuramoto_sivashinsky", SPINN(), published=5.1e-7, source=f"{_DSGNAR}, 5,227 s"),
    Row("nonlinear_schroedinger", SPINN()),
    Row("gray_scott", SPINN(), published=3.6e-3, source=_PIRATE),
    Row("ginzburg_landau", SPINN(), published=1.5e-2, source=_PIRATE),
    Row("wave_multiscale", SPINN(), published=1.2e-15, source=f"{_DSGNAR}, 635 s"),
    Row("advection_fast", SPINN(), published=8.4e-9, source="c = 40, arXiv 2405.20836, 0.7 s"),
    Row("boundary_layer", SPINN(), published=1e-7, source="the order of it, arXiv 2603.29249"),
    Row("boundary_layer", SPINN(), options={"side": "left"}),
    Row("boundary_layer", SPINN(), options={"side": "middle"}),
    Row("van_der_pol", SPINN()),
    Row("oscillator_long", SPINN()),
    Row("lid_driven_cavity", SPINN(), options={"re": 1000}),
    Row(
        "lid_driven_cavity",
        SPINN(),
        published=1.7e-2,
        source="the best of five, arXiv 2602.19475, RTX 3090, 85 s",
        options={"re": 3200},
    ),
    Row(
        "lid_driven_cavity",
        SPINN(),
        published=1.1e-4,
        source=f"{_DSGNAR}, 403 s",
        options={"lid": "parabolic"},
    ),
    Row("lid_driven_cavity", SPINN(), options={"re": 1000, "lid": "regularised"}),
    Row("helmholtz_high", SPINN(), published=7.9e-3, source="arXiv 2508.00628, RTX 4090, 11 s"),
    Row("heat_long", SPINN()),
    Row("burgers2d", SPINN()),
    Row("two_materials", SPINN()),
    Row("two_materials2d", SPINN()),
    Row("inclusion", DTPINN()),
)
