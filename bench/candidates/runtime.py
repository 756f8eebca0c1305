"""What a runtime declares of itself: the base class of the one file that a runtime is.

A file in `bench/candidates/runtimes/` holds one class derived from `Runtime`, or a plug-in names its own by an entry
point in the group `bench.runtimes`. Importing it must need nothing heavy: a library is imported by `convert` and
`open`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.candidates.adapters import adapter_of
from bench.candidates.checkpoint import config_of
from bench.candidates.engine import Engine, Role
from bench.candidates.family import Family
from bench.candidates.interface import Ability, Model
from bench.candidates.untyped import Json
from bench.errors import InputError
from bench.host.software import package_version
from bench.suite import ModelSpec, VariantSpec


@dataclass(frozen=True, slots=True)
class Wanted:
    """One candidate on one task, as far as a runtime must know it."""

    family: Family
    spec: ModelSpec
    """Its checkpoint absolute."""
    variant: VariantSpec
    ability: Ability
    scoring: str
    device: str = "cpu"
    """As the suite says it: `auto` too."""

    @property
    def role(self) -> Role:
        """What the network is asked for."""
        return self.family.role(self.scoring)

    def config(self) -> Json | None:
        """Read the configuration of the checkpoint, or of an adapter's base; None where it is not there yet, or on the
        Hub."""
        try:
            adapter = adapter_of(self.spec)
            spec = self.spec if adapter is None else adapter.base_spec(self.spec)
            return config_of(spec.checkpoint, spec.subfolder)
        except InputError:
            return None


class Runtime:
    """A declaration; derive a class from it, and write what differs."""

    name: str
    """As in suites and records."""
    summary: ClassVar[str] = ""
    """One line for `bench ls runtimes`."""
    version: ClassVar[int] = 1
    """Raised when the same artifact gives other answers, or is made otherwise."""
    distributions: ClassVar[tuple[str, ...]] = ()
    """Packages that it needs; their versions are part of a cell's identity."""
    extra: ClassVar[str] = ""
    """Of bench, that installs them."""
    forms: ClassVar[frozenset[str] | None] = None
    """Number formats that it does, `int8` among them; None for all."""
    form_packages: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Further packages that a form needs."""
    converts: ClassVar[bool] = True
    """Whether it reads a folder of its own, which a conversion writes."""
    cpu_only: ClassVar[bool] = True
    compiles: ClassVar[bool] = False
    """Whether it does the variants that change the modules of torch: `compile`, `prune`."""

    @property
    def release(self) -> str:
        """The versions that decide its answers, in a text."""
        versions = [package_version(name) or "none" for name in self.distributions]
        return "+".join([*versions, *([f"bench{self.version}"] if self.version > 1 else [])])

    def missing(self, form: str = "float32") -> str | None:
        """Explain which package is not installed, with the command that installs it; None where all are."""
        needed = (*self.distributions, *self.form_packages.get(form, ()))
        lacking = [name for name in needed if package_version(name) is None]
        if not lacking:
            return None
        command = f"pip install 'bench[{self.extra}]'" if self.extra else f"pip install {' '.join(lacking)}"
        return f"the runtime '{self.name}' needs {' and '.join(lacking)}, which is not installed: {command}"

    def why_not(self, wanted: Wanted) -> str | None:
        """Explain why a candidate cannot be run, from its entry and its checkpoint's configuration alone."""
        if not self.converts:
            return None
        return self.why_no_form(wanted) or self.missing(form_of(wanted.variant)) or self.why_no_network(wanted)

    def why_no_form(self, wanted: Wanted) -> str | None:
        """Explain that a variant is none of this runtime's, or the device none that it runs on."""
        variant, form = wanted.variant, form_of(wanted.variant)
        if self.forms is not None and form not in self.forms:
            return f"the runtime '{self.name}' does {', '.join(sorted(self.forms))}, not '{form}'; leave it out there"
        plain = VariantSpec(dtype=variant.dtype, quantise=variant.quantise, runtime=variant.runtime)
        changed = [name for name in type(variant).model_fields if getattr(variant, name) != getattr(plain, name)]
        if changed and not self.compiles:
            return f"'{changed[0]}' is for the runtime 'torch'; leave it out of a variant under '{self.name}'"
        drawn = wanted.spec.generation is not None and wanted.spec.generation.do_sample
        if drawn and wanted.ability == "generate":
            return f"the runtime '{self.name}' draws no tokens here; run it under torch, or leave 'do_sample' out"
        if self.cpu_only and wanted.device.startswith("cuda"):
            return f"the runtime '{self.name}' runs on the CPU here, not on {wanted.device}; set 'device: cpu'"
        return None

    def why_no_network(self, wanted: Wanted) -> str | None:
        """Explain why a network, or what it is asked for, is none of this runtime's."""
        family = wanted.family
        if wanted.role in family.executable:
            return None
        able = " and ".join(sorted(role for role in family.executable)) or "nothing"
        return (
            f"of the family '{family.name}' the runtime '{self.name}' executes {able}, and this task needs "
            f"'{wanted.role}'; run it under torch"
        )

    def convert(self, wanted: Wanted, model: Model, folder: Path) -> None:
        """Write a network as this runtime reads it.

        Args:
            wanted: the candidate.
            model: loaded under torch in float32.
            folder: an empty one.

        Raises:
            UnsupportedError: the network cannot be converted.
        """
        raise NotImplementedError(f"the runtime '{self.name}' converts nothing")

    def open(self, folder: Path, variant: VariantSpec, threads: int) -> Engine:
        """Prepare what `convert` wrote, to be opened and executed by so many threads.

        Raises:
            BenchError: it cannot be opened, or not in the precision that is asked for.
        """
        raise NotImplementedError(f"the runtime '{self.name}' opens nothing")

    def path(self, family: Family, ability: Ability) -> str:
        """Name the function behind an ability."""
        return f"{self.name}.{ability}"


def form_of(variant: VariantSpec) -> str:
    """Name the number format of a variant: `int8`, or its dtype."""
    return variant.quantise or variant.dtype
