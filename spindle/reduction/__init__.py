"""Snapshots, hyper-reduced networks, and the solve that finds a member of a family in a millisecond."""
