"""What a problem's mathematics tells before any solving: one module a question."""
