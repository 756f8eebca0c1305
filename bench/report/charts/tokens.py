"""Token times of generators: the first token, and each further one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.catalogue.readings import READINGS
from bench.report.advice import TaskAdvice
from bench.report.chart import SPEED, Chart, Plate, TaskChart
from bench.report.drawing.readings import left_out, reading_row, reading_table, shown, sorted_by
from bench.report.drawing.rows import draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView, value_of
from bench.report.wording import among, measure_of, models_of, plural
from bench.summary import Entry

FIRST, FURTHER = "ttft_p50_s", "tpot_p50_s"
TOKEN_TIMES = (FIRST, FURTHER)


class Tokens(TaskChart):
    """Time to the first token and time per further token."""

    name, title, section, order = "tokens", "First token and each further token", SPEED, 20

    def applies(self, task: TaskView) -> bool:
        """Tell whether anything is generated token by token."""
        return bool(task.measured(FIRST))

    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give both medians of each candidate."""
        ordered = sorted_by(task, FIRST)
        measure = measure_of(FIRST, ordered)
        if measure is None:
            return
        counted = plural(len(ordered), "candidate")
        chart = Chart(
            name=f"tokens-{task.number}",
            title=f"{short(task.name)}: first token and each further token",
            takeaway=_soonest(task, ordered),
            description=f"Dot chart of the medians of TTFT and TPOT of {counted}, with 95 % intervals.",
            narrow=task.has_narrow,
            slim=task.crowded,
            draw=lambda: draw_rows(
                [reading_row(e, TOKEN_TIMES, advice) for e in ordered[: task.rows]],
                measure,
                marks,
                title="Time, median",
                series=("first token (TTFT)", "per further token (TPOT)"),
                joined=True,
            ),
            note=left_out(task, ordered),
        )
        heads = [READINGS[name].short for name in TOKEN_TIMES]
        yield Plate(chart, reading_table(task, f"Token times on {task.name}", ordered, TOKEN_TIMES, heads, marks))


def _soonest(task: TaskView, ordered: Sequence[Entry]) -> str:
    """Say who is first with the first token and who with each further one."""
    models, further = models_of(ordered), sorted_by(task, FURTHER)
    first, lead = models[0], among(ordered, models)
    if len(models) == 1:
        further_tokens = f" and one each {shown(first, 'tpot_p50_s')} after that" if value_of(first, FURTHER) else ""
        return f"{short(first.candidate)} writes its first token after {shown(first, 'ttft_p50_s')}{further_tokens}."
    soon = f"{lead}{short(first.candidate)} writes its first token soonest, after {shown(first, 'ttft_p50_s')}"
    if not further:
        return f"{soon}."
    quick = models_of(further)[0]
    if quick is first:
        return f"{soon}, and is quickest per further token too, {shown(quick, 'tpot_p50_s')}."
    return f"{soon}; {short(quick.candidate)} is quickest per further token, {shown(quick, 'tpot_p50_s')}."
