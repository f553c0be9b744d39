"""Where a problem is posed: domains, shapes and their boundaries, and the supports that residuals are taken on."""
