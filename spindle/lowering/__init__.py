"""From mathematics to arrays: partial derivatives needed, compiled residuals, structure, hard constraints."""
