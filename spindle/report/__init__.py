"""What a reader sees of solutions: pictures from Python, the report in one HTML file, comparisons, pages to explore."""
