"""Whether a run begins, continues, or replaces another one, and whether its folder allows that."""

from pathlib import Path

from imgxlate.callbacks import Notify
from imgxlate.errors import OutputError, UsageError
from imgxlate.training import history
from imgxlate.training.run_folder import RunFolder


def resumed_configuration(run: RunFolder, *, resume: bool, overwrite: bool) -> Path | None:
    """The configuration file of the run to resume, if there is one.

    Raises:
        UsageError: the options contradict each other.
    """
    require_resume_or_overwrite(resume=resume, overwrite=overwrite)
    return run.config if resume and run.config.exists() else None


def require_resume_or_overwrite(*, resume: bool, overwrite: bool) -> None:
    """Check that at most one of the two is set.

    Raises:
        UsageError: both are.
    """
    if resume and overwrite:
        raise UsageError("resume and overwrite exclude each other")


def check_folder(run: RunFolder, checkpoint_every: int, *, resume: bool, overwrite: bool, notify: Notify) -> None:
    """Check that the run would not replace an older one.

    Raises:
        OutputError: the folder holds a run, and neither `resume` nor `overwrite` is set; or it holds a model, or the
            losses of steps that a lost checkpoint followed, but no checkpoint to resume from.
    """
    if overwrite:
        return
    if not resume:
        run.require_free()
    elif not run.has_checkpoints():
        lost = run.models() or ((run.history,) if history.count(run.history) > checkpoint_every else ())
        if lost:
            raise OutputError(
                f"{run.path}: holds {lost[0].name} but no checkpoint to resume from",
                hint="Restore its checkpoints/, give another --out, or replace it with --overwrite, not --resume.",
            )
        notify(f"{run.path} holds no checkpoint: starting from the beginning")
