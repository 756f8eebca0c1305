"""Rows from a Hugging Face data set by name, configuration, split and revision.

The Hub's own library decides about tokens, caches and offline mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bench.errors import DataError, HubError
from bench.host.hub import cache_if_unreachable

Row = dict[str, object]


class ClassNames(Protocol):
    """The Hub's feature of a column of class labels."""

    def int2str(self, values: int) -> object:
        """Name a label by its number."""


def read(name: str, config: str | None, split: str, revision: str | None) -> list[Row]:
    """Read the rows of one split; integer class labels become their names.

    Raises:
        HubError: the Hub cannot be reached, or does not serve the data set.
        DataError: there is no such configuration or split.
    """
    import datasets
    import pyarrow as pa

    try:
        with cache_if_unreachable():
            data = datasets.load_dataset(name, config, split=split, revision=revision)
    except (datasets.exceptions.DatasetBuildError, pa.ArrowInvalid) as error:
        raise _unbuilt(name, error) from error
    except ValueError as error:
        raise DataError(f"data set '{name}': {_first_line(error)}; check 'config' and 'split'") from error
    except (OSError, RuntimeError) as error:
        if "scripts are no longer supported" in str(error):
            raise DataError(
                f"data set '{name}' is made by a script, which is not run; take a version of it that is stored as "
                "Parquet, such as 'revision: refs/convert/parquet', or download it and give the path"
            ) from error
        raise _explained(name, revision, error) from error
    named = {key: feature for key, feature in data.features.items() if isinstance(feature, datasets.ClassLabel)}
    return [_named(row, named) for row in data]


def _unbuilt(name: str, error: Exception) -> DataError:
    """Say what is wrong with files that were served and cannot be read."""
    cause = error.__cause__ or error
    return DataError(
        f"data set '{name}': its files were served and cannot be read ({_first_line(cause)}); they are damaged, cut "
        "short, or of columns that do not go together; try 'config' or another 'revision'"
    )


def _named(row: Row, features: Mapping[str, ClassNames]) -> Row:
    return {key: _name_of(value, key, features[key]) if key in features else value for key, value in row.items()}


def _name_of(value: object, column: str, feature: ClassNames) -> str | None:
    if value is None:
        return None
    if not isinstance(value, int) or value < 0:
        raise DataError(f"column '{column}' holds {value}: this split has no labels; take another split")
    return str(feature.int2str(value))


def _explained(name: str, revision: str | None, error: Exception) -> HubError:
    where = f"data set '{name}'" + (f" at revision '{revision}'" if revision else "")
    kinds = {type(link).__name__ for link in (error, error.__cause__, error.__context__) if link is not None}
    if "RevisionNotFoundError" in kinds:
        return HubError(f"{where}: the Hub has no such revision; take a commit hash, branch or tag from its page")
    if kinds & {"RepositoryNotFoundError", "DatasetNotFoundError", "GatedRepoError"}:
        return HubError(f"{where}: the Hub has no such data set, or refuses access; check the name, and set HF_TOKEN")
    return HubError(
        f"{where}: not in the local cache, and the Hub cannot be reached ({_first_line(error)}); "
        "connect to the network or unset HF_HUB_OFFLINE, or download the files and give their path"
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
