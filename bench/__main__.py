"""The `bench` command: runs it, and turns whatever goes wrong into one message and an exit code.

Nothing is imported at the top but what Python has loaded already, so that Ctrl-C is answered from the first moment on.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType, TracebackType

INTERRUPTED = 130
"""`bench.errors.EXIT_INTERRUPTED`, which cannot be imported when importing was interrupted."""
YOUNG_OBJECTS = 50_000
"""New objects between two collections of the youngest; Python's 2 000 and less suit a server."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; see `bench.errors` for what each means.

    Args:
        arguments: of the command line, without the program's name; by default those of this process.
    """
    interrupts = _Interrupts()
    try:
        with interrupts:
            return _run(arguments)
    except KeyboardInterrupt:
        return _stopped()
    except Exception as error:  # noqa: BLE001  the last catch: nobody is shown a traceback
        if interrupts.seen:  # a library made another error of it, as those do that are being imported
            return _stopped()
        from bench.cli.failure import tell

        return tell(error)


def entry() -> int:
    """Run the command of this process, with a garbage collector that suits it.

    Importing and reading make objects by the million that stay to the end. Collections are rarer then, and none looks
    through all of them once more when the process ends; each saves some tenths of a second.
    """
    ended: list[int] = []
    try:
        _end_by_the_code(ended)
        collect_rarely()
        code = main()
    except KeyboardInterrupt:  # a second one, while the first was being answered
        code = _stopped()
    ended.append(code)
    _finish_undisturbed()
    return code


def _end_by_the_code(ended: list[int]) -> None:
    """See that an interrupted process ends with its exit code, not by a signal.

    What is registered first is called last, after all that others want done at the end. CPython remembers an interrupt
    that ended a string given to `exec` (data classes and named tuples are made so), also when it was caught, and sends
    it to itself after that: a thread of numpy's would take it, in which it is not held back.

    Args:
        ended: is given the exit code in the end.
    """
    import atexit
    from contextlib import suppress

    def end() -> None:
        if ended == [INTERRUPTED]:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):  # nobody reads it any more
                    stream.flush()
            os._exit(INTERRUPTED)

    atexit.register(end)


def collect_rarely() -> None:
    """Make this process look for unreachable objects more rarely."""
    import gc

    gc.set_threshold(YOUNG_OBJECTS, 20, 50)


def _run(arguments: Sequence[str] | None) -> int:
    from click.exceptions import Abort

    from bench.cli import CommandInterruptedError, bench

    words = None if arguments is None else list(arguments)
    try:
        code = bench.main(args=words, prog_name="bench", standalone_mode=False)
    except (Abort, CommandInterruptedError) as error:
        raise KeyboardInterrupt from error
    return code if isinstance(code, int) else 0


def _stopped() -> int:
    sys.stderr.write("bench: interrupted\n")
    return INTERRUPTED


def _finish_undisturbed() -> None:
    """Let the process end without interruption: the result stands, and Ctrl-C could only add a traceback.

    The signal is held back and not merely ignored: CPython may send one to itself in the end (`_end_by_the_code`).
    """
    import gc
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    gc.freeze()


class _Interrupts:
    """Ctrl-C while a command runs: raised as ever, and remembered where a library turns it into another error.

    One that arrives where Python can only print and forget it (a finaliser, a callback) is sent again.
    """

    seen = False

    def __enter__(self) -> None:
        import signal
        import threading

        self._hook = sys.unraisablehook
        self._is_watching = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._is_watching:
            signal.signal(signal.SIGINT, self._raise)
            sys.unraisablehook = self._send_again

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_watching:
            import signal

            signal.signal(signal.SIGINT, signal.default_int_handler)
            sys.unraisablehook = self._hook

    def _raise(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        raise KeyboardInterrupt

    def _send_again(self, unraisable: sys.UnraisableHookArgs) -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            import _thread

            _thread.interrupt_main()
        else:
            self._hook(unraisable)


if __name__ == "__main__":
    sys.exit(entry())
