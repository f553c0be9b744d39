"""The published methods by name: each a short file that assembles the rooms below and cites its paper."""
