"""Passwords in addresses, in whatever spelling, are shown nowhere."""

import pytest

from bench.errors import EnvironmentLackError, StoreError, UsageError
from bench.store import Store
from bench.store.addresses import has_secret, redact, shown_address

SECRET = "hunter22"
ADDRESSES = [
    "postgresql+psycopg://me:hunter22@127.0.0.1:1/name",
    "postgresql+psycopg://me:x@hunter22@127.0.0.1:1/name",
    "postgresql+psycopg://me:x/hunter22@127.0.0.1:1/name",
    "postgresql+psycopg://me:x%40hunter22@127.0.0.1:port/name",
    "postgresql+psycopg://me:a hunter22@127.0.0.1:1/name",
    "postgresql+psycopg://me@127.0.0.1:1/name?password=hunter22",
    "postgresql+psycopg://me@127.0.0.1:1/name?%70assword=hunter22",
    "postgresql+psycopg://me@127.0.0.1:1/name?sslmode=disable&sslpassword=hunter22",
    "postgresql+psycopg://127.0.0.1:1/name?user=me&PASSWORD=hunter22",
    "postgresql://me:hunter22@[::1/name",
    "postgres://me:hunter22@127.0.0.1:1/name",
    "nosuch://me:hunter22@127.0.0.1:1/name",
    "mysql://me:hunter22@127.0.0.1:1/name",
    "me:hunter22@127.0.0.1/name",
    "postgresql:me:hunter22@127.0.0.1",
    "host=127.0.0.1 user=me password=hunter22 dbname=name",
    "host=127.0.0.1 password = 'hunter22 and \\' more' dbname=name",
    "postgresql+psycopg:///?dbname=host%3D127.0.0.1%20password%3Dhunter22",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_spelling_is_hidden_alone_and_in_a_message(address):
    assert SECRET not in shown_address(address)
    assert has_secret(address)
    assert shown_address(shown_address(address)) == shown_address(address)
    assert SECRET not in redact(f"it failed: '{address}' (at 12:30)", address)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_error_of_the_store_shows_it(address, tmp_path):
    with pytest.raises((UsageError, EnvironmentLackError, StoreError)) as error:
        Store.open(tmp_path, address)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////tmp/results/bench.db",
        "postgresql+psycopg://me@host/name?host=/run/postgresql",
        "max_new_tokens=5, eos_token=</s>, passes=3, passed=2 at 12:30 by a@b.c",
        "suite.yaml:12:5 models[2].dtype: no such dtype",
        "http://localhost:8080/v1/models",
    ],
)
def test_what_is_no_secret_stays(text):
    assert redact(text) == text
    assert not has_secret(text)
