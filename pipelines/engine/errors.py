"""Every exception that medmix raises on purpose, with the exit code the shell sees.

All of them are for people: `str(error)` says what, where, the measured value and what to do, and the
command line prints it without a stack trace. Expected badness of data is not here: a bad document is an
outcome (`pipelines.engine.stage`), never an exception. Adding a class without a docstring is forbidden.
"""


class MedmixError(Exception):
    """Root of all; exit code 1. Never raised itself."""

    exit_code = 1


class ConfigError(MedmixError):
    """The run file or an override is wrong: unknown key, wrong type, missing field. Exit code 2."""

    exit_code = 2


class InputError(MedmixError):
    """A source, tokenizer or input file is absent or unreadable. Exit code 3."""

    exit_code = 3


class StorageError(MedmixError):
    """The output place failed: no space, no permission, too many open files. Exit code 4."""

    exit_code = 4


class CorruptionError(MedmixError):
    """A committed file differs from its manifest: flipped bit, truncation, wrong file. Exit code 5."""

    exit_code = 5


class LockedError(MedmixError):
    """Another driver holds this run folder. Exit code 6."""

    exit_code = 6


class ResourcesError(MedmixError):
    """The cluster can never give what a stage asks for. Exit code 7."""

    exit_code = 7


class StageError(MedmixError):
    """A stage failed on a whole shard (a defect, not a bad document). Exit code 8."""

    exit_code = 8


class QuarantineError(MedmixError):
    """More records were quarantined, or fewer of a slice kept, than the run file allows. Exit code 9."""

    exit_code = 9


class PlanError(MedmixError):
    """A mixture cannot be built as asked: an epoch cap, weight or budget does not hold. Exit code 10."""

    exit_code = 10


class TeacherError(MedmixError):
    """The teacher cannot be used: it does not answer, or refuses our key, model or address. Exit code 11."""

    exit_code = 11


class BudgetError(MedmixError):
    """The teacher's budget of tokens or money is spent. Exit code 12."""

    exit_code = 12


class ReleaseError(MedmixError):
    """A run may not be released as it is: rights, contamination, damage or a hole in its card. Exit code 13."""

    exit_code = 13
