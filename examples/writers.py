"""Callbacks that write to TensorBoard, MLflow and W&B: `spd.solve(..., callbacks=[tensorboard("runs")])`."""


def tensorboard(directory):
    """Needs `pip install tensorboardX`."""
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(directory))
    return lambda moment, total: [writer.add_scalar(k, v, moment.step) for k, v in scalars(moment).items()] and None


def mlflow():
    """Needs `pip install mlflow` and a run that is open, `with mlflow.start_run():`."""
    from mlflow import log_metrics

    return lambda moment, total: log_metrics(
        {k.replace(" ", "_"): v for k, v in scalars(moment).items()}, step=moment.step
    )


def wandb(**settings):
    """Needs `pip install wandb`; `settings` as of `wandb.init`."""
    from wandb import init

    run = init(**settings)
    return lambda moment, total: run.log(scalars(moment), step=moment.step)


def scalars(moment) -> dict[str, float]:
    """The numbers of a moment by name; the parts of the loss cost one more evaluation of it."""
    parts = {f"part/{name}": value for name, value in moment.parts.items()}
    errors = {f"error/{name}": value for name, value in moment.errors.items()}
    return {"loss": moment.loss, **parts, **errors, **moment.parameters}
