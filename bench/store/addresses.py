"""Addresses of databases and blob stores without the passwords in them, in whatever spelling.

A password may stand before the `@`, in the query (`?password=`, `?sslpassword=`, keys percent-encoded or not), or in a
keyword string (`host=h password='my secret'`), and an address with a mistake must hide it as well as one without.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_plus

HIDDEN = "***"
_SECRET_KEY = re.compile(
    r"(?:.*[_.-])?(?:ssl)?(?:pass(?:word|wd|phrase)?|pwd|secret(?:_?(?:access_?)?key)?|credentials?|"
    r"(?:auth|access|api|session|security)[_-]?token|(?:api|access|account)[_-]?key|signature)",
    re.IGNORECASE,
)
"""Keys whose value is a secret. A bare `token` is one in a query alone: messages about text have tokens, too."""
HARMLESS = frozenset(
    [
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "service",
        "sslmode",
        "sslcert",
        "sslkey",
        "sslrootcert",
        "sslcrl",
        "gssencmode",
        "krbsrvname",
        "connect_timeout",
        "client_encoding",
        "options",
        "application_name",
        "fallback_application_name",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "target_session_attrs",
        "load_balance_hosts",
        "channel_binding",
        "mode",
        "cache",
        "uri",
        "timeout",
        "nolock",
        "immutable",
        "vfs",
    ]
)
"""Parameters of addresses, of libpq and SQLite, that hold no secret."""
BEGINNING = 80
"""Characters of an address that could not be read which are shown."""
SHORTEST = 4
"""Characters of a secret that is looked for in other text; a shorter one would be found in ordinary words."""

_USER_AND_PASSWORD = re.compile(r"([A-Za-z][\w+.-]*:/{0,3}[^\s:/@'\"]*):([^\s'\"]+)@")
"""`scheme://user:password@`. Up to the last `@`, because passwords with an unescaped one are common."""
_WHOLE = re.compile(r"\s*[A-Za-z][\w+.-]*:/*[^:/@]*:(.+)@", re.DOTALL)
"""The same of a string that is nothing but an address: the password may then hold spaces, too."""
_BARE = re.compile(r"(?<![\w/:.])([\w.%+-]+):([^\s@/:'\"]+)@(?=[\w\[])")
"""`user:password@host`, where the scheme was forgotten."""
_KEY_AND_VALUE = re.compile(r"([\w%.-]+)(\s*=\s*|%3[Dd])('(?:\\.|[^'\\])*'|\"[^\"]*\"|[^\s&;'\"]+)")


def redact(text: str, address: str | None = None) -> str:
    """Hide every password in a text.

    Args:
        text: a message, a command, an address.
        address: one whose secrets may stand in the text by themselves, as drivers repeat them.

    >>> redact("postgresql+psycopg://me:secret@host/name")
    'postgresql+psycopg://me:***@host/name'
    >>> redact("postgresql://host/name?user=me&ssl%70assword=secret")
    'postgresql://host/name?user=me&ssl%70assword=***'
    >>> redact("invalid token 'p%ss'", "postgresql://me:p%ss@host/name")
    "invalid token '***'"
    """
    for secret in sorted(_secrets(address), key=len, reverse=True) if address else ():
        text = text.replace(secret, HIDDEN)
    text = _KEY_AND_VALUE.sub(_hide_value, text)
    text = _USER_AND_PASSWORD.sub(rf"\1:{HIDDEN}@", text)
    return _BARE.sub(rf"\1:{HIDDEN}@", text)


def shown_address(address: str) -> str:
    """Hide the secrets of an address, so that it may be shown and stored.

    >>> shown_address("postgresql://me:my secret@host/name"), shown_address("host=h password='a b' dbname=n")
    ('postgresql://me:***@host/name', 'host=h password=*** dbname=n')
    """
    shown = redact(address, address)
    before, mark, parameters = shown.partition("?")
    return before + mark + "&".join(map(_if_harmless, parameters.split("&")))


def _if_harmless(parameter: str) -> str:
    """Hide the value of a parameter that no driver is known to have: a misspelt key of a password still has one."""
    key, equals, _ = parameter.partition("=")
    return parameter if not equals or unquote_plus(key).lower() in HARMLESS else f"{key}={HIDDEN}"


def beginning(shown: str) -> str:
    """Cut an address that could not be read before its parameters: where a key is misspelt, its value may be a secret.

    >>> beginning("postgres://me@host/name?passwrd=hunter2"), beginning("p:/me:hunter2@host"), beginning("h passwrd=s")
    ('postgres://***@host/name…', '***@host…', 'h…')
    """
    kept = re.split(r"[?\s]", shown, maxsplit=1)[0][:BEGINNING]
    head, at, place = kept.rpartition("@")
    scheme = re.match(r"[a-z0-9+]+://", head)
    kept = f"{scheme[0] if scheme else ''}{HIDDEN}@{place}" if at else kept
    return kept if kept == shown else f"{kept}…"


def has_secret(address: str) -> bool:
    """Tell whether an address holds a password."""
    return shown_address(address) != address


def _hide_value(match: re.Match[str]) -> str:
    key, equals, value = match.groups()
    plain = unquote_plus(value)
    nested = plain != value and _KEY_AND_VALUE.sub(_hide_value, plain) != plain  # ?dbname=host%3Dh%20password%3Ds
    return f"{key}{equals}{HIDDEN}" if _is_secret(match) or nested else match.group()


def _is_secret(match: re.Match[str]) -> bool:
    key = unquote_plus(match[1])
    in_query = match.string[: match.start()].endswith(("?", "&"))
    return _SECRET_KEY.fullmatch(key) is not None or (in_query and key.lower() in ("token", "sig", "key"))


def _secrets(address: str) -> set[str]:
    """Collect the secrets of an address, as they are written in it and as a driver sees them."""
    whole = _WHOLE.match(address)
    written = {match[2] for match in _USER_AND_PASSWORD.finditer(address)} | ({whole[1]} if whole else set())
    written |= {match[3].strip("'\"") for match in _KEY_AND_VALUE.finditer(address) if _is_secret(match)}
    written |= {piece for secret in written for piece in re.split("[@/:]", secret)}  # a driver may take them for hosts
    plain = {unquote_plus(secret) for secret in written}
    spellings = written | plain | {quote(secret, safe="") for secret in plain}
    return {secret for secret in spellings if len(secret) >= SHORTEST}
