"""Server-sent events: bytes in, the data of whole events out, whatever the bytes are cut into.

Source: WHATWG HTML, 9.2 Server-sent events. Of the fields only `data` is of use here.
"""

from __future__ import annotations

import codecs

END = "[DONE]"
"""The data of the event that ends an answer of OpenAI's interface."""
MOST_CHARACTERS = 1 << 24
"""Of one event: an answer is far below, and a server that never ends a line does not fill the memory."""


class EventsError(ValueError):
    """The bytes are no server-sent events."""


class Events:
    """Collects bytes, and gives the data of each event that they complete."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._data: list[str] = []

    def feed(self, received: bytes) -> list[str]:
        r"""Take bytes; bytes that are no UTF-8 become U+FFFD.

        Raises:
            EventsError: an event is longer than any answer.

        >>> Events().feed(b'data: a\r\n\r\n: comment\ndata: b\ndata: c\n\ndata: d')
        ['a', 'b\nc']
        """
        text = self._rest + self._decoder.decode(received)
        ended: list[str] = []
        lines = text.replace("\r\n", "\n").split("\n")
        self._rest = lines.pop()
        for line in lines:
            self._take(line.rstrip("\r"), ended)
        if len(self._rest) + sum(map(len, self._data)) > MOST_CHARACTERS:
            raise EventsError(f"an event of more than {MOST_CHARACTERS:,} characters")
        return ended

    def _take(self, line: str, ended: list[str]) -> None:
        if not line:
            if self._data:
                ended.append("\n".join(self._data))
            self._data = []
        elif line.startswith("data:"):
            self._data.append(line[5:].removeprefix(" "))
