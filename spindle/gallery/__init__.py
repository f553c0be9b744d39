"""Problems to try, one family a file: equation, domain, conditions, exact or reference solution, citation."""
