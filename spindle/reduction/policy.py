"""The numbers by which a trained family is reduced where there is no setting for them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Policy:
    """What the reduction decides by where there is no setting for it.

    candidates             points among which those of a query are chosen
    localities             weights of the prior that are tried, relative to the mean square residual before tuning
    published_localities   those that are tried of the published phase, as they are: the span of the published weights
    coarsest_basis         tolerance of the bases that are tried first
    basis_ratio            from one tolerance to the next
    faithful               how far the reduced residual may be from the full one, relative to it
    widest                 share of the neurons beyond which a reduced network costs more than it saves
    thin_layer             weights up to which a last layer is tuned: there are as many directions to find
    refined                weights up to which all of a network are free where members are solved to convergence
    idle                   share of the largest contribution below which a coefficient is dropped
    """

    candidates: int = 512
    localities: tuple[float, ...] = tuple((10.0 ** np.arange(-6, 7)).tolist())
    published_localities: tuple[float, ...] = (0.14, 0.5, 1.0, 2.0, 17.6)
    coarsest_basis: float = 1e-2
    basis_ratio: float = 0.3
    faithful: float = 0.25
    widest: float = 0.7
    thin_layer: int = 256
    refined: int = 300_000
    idle: float = 1e-7
