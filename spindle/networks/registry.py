"""The networks that settings can ask for: a new one is made known here.

Each is built from its numbers of inputs and outputs and the settings `width`, `hidden`, `act`, `frequency` and
`initial`, takes arrays (n, inputs) and jets alike, and says of itself what it is.

is_basis   whether it is a basis: its functions are fixed, and only their coefficients are trained
meaning    what it is, in the words of the setting `network`
"""

from typing import Any

from spindle.networks.layers import MLP, ModifiedMLP
from spindle.networks.spectral import Spectral

BODIES: dict[str, Any] = {"mlp": MLP, "modified": ModifiedMLP, "spectral": Spectral}
