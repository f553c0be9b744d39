"""The one training loop, its optimizers, checkpoints and history."""
