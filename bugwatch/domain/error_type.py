"""Types of errors whose stack trace, line or message says more, or less, than that of others."""

from __future__ import annotations

# Made everywhere and told apart by their text only; their stack, if any, is of where they were reported.
_TEXT = """
*errors.Error *errors.errorString *errors.fundamental *errors.joinError *errors.withMessage *errors.withStack
*fmt.wrapError *fmt.wrapErrors
"""
TEXT = frozenset(_TEXT.split())

# They name what is missing: without the line of source, the name tells two mistakes in one function apart.
_NAMING = """
AttributeError Error ErrorException ImportError KeyError ModuleNotFoundError NameError NullPointerException
UnboundLocalError panic
"""
NAMING = frozenset(_NAMING.split())

# They strike anywhere in a function: the line means nothing.
_STRAY = """
GreenletExit Interrupt KeyboardInterrupt MemoryError NoMemoryError RecursionError SignalException
SoftTimeLimitExceeded SystemExit SystemStackError TimeLimitExceeded Timeout WorkerTimeout
"""
STRAY = frozenset(_STRAY.split())
