"""The page of the suite file's keys, made from their declarations; `python -m tests.keys_page` writes it again."""

from pathlib import Path

from bench.planning.schema import suite_keys

PAGE = Path(__file__).parents[1] / "docs" / "keys.md"
HEAD = """\
# Keys of the suite file

Every key with its default, as `bench ls keys` lists them; `[]` stands for each entry of a list. How they work together
says [The suite file](suite-file.md). This page is made from the declarations (`python -m tests.keys_page`).

| key | default | what |
|---|---|---|
"""


def page() -> str:
    """Write the page's text."""
    rows = [
        f"| `{key.path}` | {f'`{key.default}`' if key.default else ''} | {key.what.replace('|', chr(92) + '|')} |"
        for key in suite_keys()
    ]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
