#!/usr/bin/env bash
# The cells of the published figures that want a GPU, in the order of their worth: ten minutes on one machine with JAX
# and a CUDA GPU, nothing is downloaded. Rows are stored as they end, under OUT; `spindle reproduce NAME --out OUT`
# prints them beside those of other devices.
#
#   benchmarks/gpu.sh [--quick]      OUT=runs/reproduce LIMIT=590 PYTHON=.venv/bin/python
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
OUT=${OUT:-runs/reproduce} LIMIT=${LIMIT:-590} PYTHON=${PYTHON:-.venv/bin/python}
[[ -x $(command -v "$PYTHON") ]] || PYTHON=python3

echo "device: $("$PYTHON" -c 'import jax; print(jax.devices()[0].device_kind)')"
figures=(S3 D3 S5 D7 S2 S7 D6 F3 S4 S1 S6 F2 D5 D4 S8 S9 S10)
share=$((LIMIT / ${#figures[@]}))
[[ ${1:-} == --quick ]] && share=8
ends=$((SECONDS + LIMIT))
for figure in "${figures[@]}"; do
  left=$((ends - SECONDS))
  ((left > share / 2)) || { echo "$figure: no time left"; continue; }
  timeout --signal=INT --kill-after=5 $((left < 2 * share ? left : 2 * share)) \
    "$PYTHON" -m spindle reproduce "$figure" --seconds "$share" --out "$OUT" || echo "$figure: ended early"
done
