"""The suite's section on a model that is served: where it answers, how it is asked, what it costs, how it is started.

A key is never written here: the suite's text is stored with every run. `api_key_env` names the environment variable
that holds it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bench.errors import InputError
from bench.suite.limits import parse_duration

VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
Variable = Annotated[str, Field(pattern=VARIABLE.pattern)]
"""Name of an environment variable."""
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie", "x-auth-token"})
SECRET_PARAMETER = re.compile(r"(key|token|secret|password|signature|^sig)$", re.IGNORECASE)
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""Names of headers: RFC 9110, 5.6.2."""
PACKAGE = "package:"
"""How the name of an installed package begins where a folder is asked for."""
OWN_KEYS = frozenset({"model", "prompt", "messages", "stream", "stream_options", "max_tokens", "stop", "temperature"})
OWN_HEADERS = frozenset({"content-type", "content-length", "host", "transfer-encoding", "connection", "accept"})


class _Strict(BaseModel):
    """Frozen, no unknown keys, and every number finite."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def address(text: str) -> str:
    """Check the address of a server, and leave out a slash at its end.

    Raises:
        ValueError: it is no address of http or https, or it holds a secret.
    """
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        port_is_valid = False
    if not port_is_valid or parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", text):
        raise ValueError("give an address such as http://127.0.0.1:8000/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address may hold no password; put the key into a variable, and name it in 'api_key_env'")
    secret = next((name for name, _ in parse_qsl(parts.query) if SECRET_PARAMETER.search(name)), None)
    if secret is not None:
        raise ValueError(
            f"the parameter '{secret}' looks like a secret, and a suite is stored with every run; put the key into a "
            "variable, and name it in 'api_key_env'"
        )
    return text.rstrip("/")


def _duration(text: str) -> str:
    try:
        parse_duration(text)
    except InputError as error:
        raise ValueError(str(error)) from error
    return text


class LaunchSpec(_Strict):
    """How a server is started for each cell, on the CPUs of the run."""

    command: Annotated[list[str], Field(min_length=1)]
    """The program and its arguments, run without a shell: `[transformers, serve, ./gpt2, --port, "8001"]`."""
    folder: str = "."
    """Working folder, from the suite's own; or `package:NAME`, the folder of an installed package."""
    environment: dict[Variable, str] = {}
    """Variables beside those that bench has itself; no secrets."""
    ready: str | None = None
    """Address that answers with status 200 once the server is ready; by default `models` below the url."""
    deadline: str = "120 s"
    """How long the server may take until it is ready."""
    passes_key: bool = False
    """Give the server the variable of `api_key_env` too, where it asks for its own key; otherwise it is started without
    it."""

    @field_validator("ready")
    @classmethod
    def _address(cls, text: str | None) -> str | None:
        return None if text is None else address(text)

    @field_validator("deadline")
    @classmethod
    def _time(cls, text: str) -> str:
        return _duration(text)

    @property
    def deadline_s(self) -> float:
        """The deadline in seconds."""
        return parse_duration(self.deadline)


class TokenPriceSpec(_Strict):
    """What a vendor takes for tokens, in the currency of the suite's prices."""

    input_per_million: float = Field(ge=0)
    """For a million tokens of prompts."""
    output_per_million: float = Field(ge=0)
    """For a million tokens of answers."""

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """Compute the price of some tokens.

        >>> TokenPriceSpec(input_per_million=1.0, output_per_million=4.0).of(500_000, 250_000)
        1.5
        """
        return (input_tokens * self.input_per_million + output_tokens * self.output_per_million) / 1e6


class BudgetSpec(_Strict):
    """What one run may spend on the model, in requests and in money; a run that goes on later counts on."""

    max_requests: int | None = Field(default=None, ge=1)
    """Requests at most, retries and measuring included."""
    max_cost: float | None = Field(default=None, gt=0)
    """Price of all tokens at most, in the currency of the suite's prices; needs `prices`."""


class EndpointSpec(_Strict):
    """A model that answers over HTTP, as OpenAI's API does."""

    url: str
    """Address below which `completions` and `chat/completions` are, such as `http://127.0.0.1:8000/v1`."""
    model: Annotated[str, Field(min_length=1)]
    """Name of the model in requests."""
    api: Literal["chat", "completions"] = "chat"
    """`chat`: the prompt is a user's message; `completions`: the prompt is a text that is continued."""
    api_key_env: Variable | None = None
    """Name of the environment variable that holds the key; the key itself is never stored or shown."""
    api_key_header: str = "Authorization"
    """Header in which the key goes; in `Authorization` it stands behind `Bearer`."""
    headers: dict[str, str] = {}
    """Further headers; no secrets."""
    extra: dict[str, Any] = {}
    """Further keys of every request's body, such as `{top_k: 1}`."""
    seed: int | None = None
    """Sent with every request where it is given; not every server knows it."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """0 is greedy; above, answers differ from request to request."""
    connect_timeout: str = "10 s"
    """How long a connection may take."""
    timeout: str = "120 s"
    """How long an answer may take from its request to its last byte."""
    silence: str = "60 s"
    """How long nothing may come in the midst of an answer."""
    retries: int = Field(default=3, ge=0, le=20)
    """How often a request is sent again after an error that may pass: 408, 429, 5xx, or a lost connection. Timed
    requests are never sent again."""
    max_retry_wait: str = "60 s"
    """Longest wait before a request is sent again; a server that asks for more (`Retry-After`) fails the cell."""
    launch: LaunchSpec | None = None
    """How to start the server; without it, it must be running, and its memory and energy are not known."""
    prices: TokenPriceSpec | None = None
    """What tokens cost; the objective `cost_per_1000` is made of it."""
    budget: BudgetSpec | None = None
    """What one run may spend."""

    @field_validator("url")
    @classmethod
    def _address(cls, text: str) -> str:
        return address(text)

    @field_validator("api_key_env", mode="before")
    @classmethod
    def _no_key(cls, name: object) -> object:
        """Refuse what is no name, and show it to nobody: it may be the key."""
        if isinstance(name, str) and not VARIABLE.fullmatch(name):
            raise ValueError(
                "give the name of the environment variable that holds the key, of letters, digits and underscores; "
                "the key itself may stand in no suite"
            )
        return name

    @field_validator("headers")
    @classmethod
    def _plain_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            check_header(name)
            if name.lower() in SECRET_HEADERS:
                raise ValueError(
                    f"'{name}' holds a secret, and a suite is stored with every run; put the key into a variable, and "
                    "name it in 'api_key_env'"
                )
            if name.lower() in OWN_HEADERS:
                raise ValueError(f"'{name}' is set by bench itself; leave it out")
            if re.search(r"[\r\n\0]", value):
                raise ValueError(f"the value of '{name}' has more than one line; give one")
        return headers

    @field_validator("api_key_header")
    @classmethod
    def _header(cls, name: str) -> str:
        check_header(name)
        return name

    @field_validator("connect_timeout", "timeout", "silence", "max_retry_wait")
    @classmethod
    def _time(cls, text: str) -> str:
        return _duration(text)

    @model_validator(mode="after")
    def _priced(self) -> EndpointSpec:
        taken = sorted(OWN_KEYS & set(self.extra))
        if taken:
            raise ValueError(f"'{taken[0]}' of 'extra' is set by bench itself; leave it out")
        if self.budget is not None and self.budget.max_cost is not None and self.prices is None:
            raise ValueError("'budget.max_cost' needs 'prices', by which tokens are counted as money")
        return self

    def with_folder_from(self, base: Path) -> EndpointSpec:
        """Make the working folder of the launch absolute, from the suite's folder."""
        if self.launch is None:
            return self
        if self.launch.folder.startswith(PACKAGE):
            return self
        launch = self.launch.model_copy(update={"folder": str((base / self.launch.folder).resolve())})
        return self.model_copy(update={"launch": launch})

    def answering(self) -> dict[str, object]:
        """Select what decides the answers, for the identity of a cell: not how often or how long one tries."""
        chosen = {"url", "model", "api", "seed", "temperature", "headers", "extra"}
        deciding = self.model_dump(mode="json", include=chosen)
        if self.launch is not None:
            deciding["launch"] = self.launch.model_dump(mode="json", include={"command", "environment"})
        return deciding


def check_header(name: str) -> None:
    """Check the name of a header.

    Raises:
        ValueError: it is none.
    """
    if not HEADER.fullmatch(name):
        raise ValueError(f"'{name}' is no name of a header; use letters, digits and dashes")
