"""Slabs of time, solved one after the other in spaces that follow the solution: elements along an axis, waves."""
