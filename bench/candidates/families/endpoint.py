"""`endpoint`: a model that answers over HTTP, as OpenAI's API does: vLLM, SGLang, TGI, llama.cpp, Ollama, transformers
serve, a vendor's.

What a server can do is tried when it is connected to (`bench.candidates.served.probe`): where it gives no
log-probabilities of a prompt, tasks by likelihood are `unsupported`, and labels are written.
"""

from __future__ import annotations

from bench.candidates.family import LIKELIHOODS, Asks, Family, Look
from bench.candidates.interface import Context, Model
from bench.suite import ModelSpec, VariantSpec

NO_LIKELIHOOD = (
    "a chat endpoint gives no log-probabilities of the prompt; set 'api: completions' where the server has it"
)


class EndpointFamily(Family):
    """A model that is served."""

    name = "endpoint"
    summary = "a model that answers over HTTP as OpenAI's API does: vLLM, llama.cpp, transformers serve, a vendor's"
    title = "served"
    abilities = frozenset({"classify", "choose", "generate", "log_likelihood"})
    scorings = {"classify": ("generated", *LIKELIHOODS), "choose": LIKELIHOODS}
    style = "continue"
    reads_prompt = True
    needs = ("server",)
    keys = frozenset({"server", "system", "shots", "answer"})
    takes_variants = False
    needs_torch = False
    shares_load = True
    takes_load = True
    keeps_answers = True
    look = Look("#332288", "#9C8CF0", "p", "triangle-right")
    paths = {"generate": "endpoint.requests", "generate_many": "endpoint.requests"}

    def load(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> Model:
        """Connect to the server, which is launched where the suite says how, and try what it can do."""
        from bench.candidates.served.model import Endpoint

        return Endpoint(spec, variant, context)

    def source_identity(self, spec: ModelSpec) -> str | None:
        """Identify the model by its address, its name and how it is asked: its weights are not known."""
        from bench.digest import content_hash

        return None if spec.server is None else f"served:{content_hash(spec.server.answering())}"

    def why_not(self, kind: Asks, spec: ModelSpec | None) -> str | None:
        """Explain that a chat endpoint gives no log-probabilities of a prompt."""
        by_likelihood = kind.ability == "log_likelihood" or (
            kind.ability == "choose" and "generated" not in kind.scorings
        )
        if by_likelihood and spec is not None and spec.server is not None and spec.server.api == "chat":
            return NO_LIKELIHOOD
        return super().why_not(kind, spec)

    def mistakes(self, spec: ModelSpec) -> list[tuple[str, str]]:
        """Refuse keys of models that are loaded here."""
        if spec.checkpoint is not None:
            return [("checkpoint", "its server loads it: name it in 'server.model', and leave 'checkpoint' out")]
        return [("serve", "it is served already; leave 'serve' out")] if spec.serve else []
