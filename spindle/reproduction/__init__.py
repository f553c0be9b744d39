"""The figures and tables of the publications, cell by cell: what `spindle reproduce` runs, stores and draws."""
