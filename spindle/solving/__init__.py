"""One call: a training, or windows that follow one another, then an estimate of the error; and reading it again."""
