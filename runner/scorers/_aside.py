"""A user's own code, which may be slow or never end, off the event loop."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress


async def aside(work: Callable[[], object], seconds: float, limit: str) -> object:
    """Off the loop, in a thread that nobody waits for, neither at Ctrl-C nor once it is late.

    `limit` is the setting that the seconds are of. Raises what the work does, RuntimeError where
    that would end the program (sys.exit), and TimeoutError.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[tuple[object, Exception | None]] = loop.create_future()

    def tell(result: object, error: Exception | None) -> None:
        if not ended.done():
            ended.set_result((result, error))

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as raised:
            error = raised
        except BaseException as raised:  # one thread's end is no reason to end all
            error = RuntimeError(f"{type(raised).__name__} {raised}".strip())
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=run, name="aside", daemon=True).start()
    await asyncio.wait({ended}, timeout=seconds)
    if not ended.done():
        raise TimeoutError(f"took over {seconds:g} s, which is {limit}")
    result, error = ended.result()
    if error is not None:
        raise error
    return result
