"""The report of a solution: pictures, tables and formulas in one HTML file that needs no network."""
