"""What the machine with the GPU has, as far as it is known before the kit gets there.

The kit is prepared where there is a network and no GPU, and run where it is the other way round. So what that machine
has must be written down: its Python, what it can install, and its packages. Nothing here is measured.
"""

from __future__ import annotations

import re

PYTHON = "3.12"
ROOM_BYTES = 64 * 1024**2
"""What may travel: the working tree and the wheels together."""
GLIBC = range(5, 40)
"""Minor versions of the C library, 2.N, for whose wheels pip is asked; pip matches each exactly."""
ALIASES = ("manylinux1", "manylinux2010", "manylinux2014")
VERSIONS = {
    "accelerate": "1.15.0",
    "huggingface-hub": "1.33.0",
    "numpy": "2.5.2",
    "safetensors": "0.8.0",
    "tokenizers": "0.23.2",
    "torch": "2.11.0",
    "transformers": "5.17.0",
    "triton": "3.6.0",
}
"""Versions that are known, of packages that are there."""
PRESENT_NAMES = """
absl-py accelerate aiofiles aiohappyeyeballs aiohttp aiosignal annotated-doc anyio attrs build certifi
charset-normalizer click cloudpickle cmake colorama contourpy coverage cuda-bindings cycler cython einops etils
execnet filelock flatbuffers fonttools frozenlist fsspec grpcio h11 h5py hf-xet httpcore httpx huggingface-hub
hypothesis idna imageio iniconfig jinja2 joblib kiwisolver lxml markdown markdown-it-py markupsafe matplotlib mdurl
ml-dtypes mpmath msgpack multidict mypy-extensions narwhals networkx ninja numba numpy nvidia-ml-py onnx onnxruntime
opt-einsum packaging pandas pathspec patsy peft pillow pip pluggy portalocker prometheus-client propcache protobuf
psutil pyarrow py-cpuinfo pygments pyparsing pyproject- hooks pytest pytest-benchmark pytest-cov pytest-mock
pytest-timeout pytest-xdist python-dateutil pyyaml regex requests rich sacrebleu safetensors scikit-image scikit-learn
scipy seaborn sentencepiece sentence- transformers setuptools shellingham simplejson six sortedcontainers statsmodels
sympy tabulate tensorboard threadpoolctl tifffile tiktoken timm tokenizers toolz torch torchaudio torchmetrics
torchvision tqdm transformers triton typer typing-extensions urllib3 uvloop werkzeug wheel wrapt xarray xxhash yarl
zipp
"""
PRESENT = frozenset(re.split(r"\s+", PRESENT_NAMES.strip()))
"""Names of packages that are there, normalised."""
EXTRAS = ("torchao",)
"""Carried although bench does not need them: the tests skip what is not there."""
EXTRA_VERSIONS = {"torchao": "<0.18"}
"""torchao's compiled parts are built for one torch each; this is the last one for torch 2.11."""


def platforms() -> list[str]:
    """List pip's names of the platforms whose wheels run there."""
    names = [f"manylinux_2_{minor}_x86_64" for minor in reversed(GLIBC)]
    return [*names, *(f"{alias}_x86_64" for alias in reversed(ALIASES))]
