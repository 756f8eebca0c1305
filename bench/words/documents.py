"""Typed results as JSON-able documents, with the sentence beside the numbers that it is made from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from bench.compare.pairs import Comparison
from bench.decision.board import Board, Column
from bench.decision.case import Barred, Recommendation
from bench.decision.cover import Cover
from bench.decision.decision import Decision, TaskDecision
from bench.decision.fronts import Standing
from bench.decision.sensitivity import BreakPoint, Sensitivity
from bench.words import compare as compare_words
from bench.words import cover as cover_words
from bench.words import decision as decision_words
from bench.words import limits, recommendation, sensitivity, standings, steps
from bench.words.remarks import volume

Document = dict[str, object]
"""Keys and what `json.dumps` takes."""


def decision_document(decision: Decision) -> Document:
    """Write a decision: no NaN, no infinity."""
    left_out = zip(decision.without_task, decision_words.without_tasks(decision), strict=True)
    document: Document = {
        "objectives": list(decision.question.objectives),
        "limits": [limit.label for limit in decision.question.limits],
        "rule": decision.question.rule.model_dump(mode="json"),
        "tasks": {task: _task(part) for task, part in decision.tasks.items()},
        "across_tasks": None if decision.across is None else _task(decision.across),
        "cover": None if decision.cover is None else _cover(decision.cover),
        "without_task": [{"task": t.task, "leader": t.leader, "sentence": text} for t, text in left_out],
        "assumptions": decision_words.assumptions(decision),
        "sentences": decision_words.sentences(decision),
    }
    return {key: _clean(value) for key, value in document.items()}


def _cover(cover: Cover) -> Document:
    """Write the cheapest set, beside the best of each task and the one model for all."""
    choices = {"cheapest": cover.cheapest, "best": cover.best, "single": cover.single}
    return {
        **{
            name: None if choice is None else {"serves": dict(choice.serves), "cost": choice.cost}
            for name, choice in choices.items()
        },
        "scale": cover.scale.value,
        "column": None if cover.column is None else _column(cover.column),
        "confidence": cover.confidence,
        "uncovered": list(cover.uncovered),
        "exact": cover.exact,
        "sentences": cover_words.sentences(cover),
    }


def comparison_document(comparison: Comparison) -> Document:
    """Write a comparison, each row with its verdict."""
    names = (comparison.a, comparison.b)
    return {
        "a": comparison.a,
        "b": comparison.b,
        "quality": [
            asdict(row)
            | {
                "test": row.test.value,
                "remark": compare_words.quality_remark(row),
                "sentence": compare_words.quality(row, names),
            }
            for row in comparison.quality
        ],
        "efficiency": [
            asdict(row)
            | {
                "estimates": row.estimates.value,
                "untested": None if row.untested is None else row.untested.value,
                "remark": compare_words.estimates(row),
                "sentence": compare_words.efficiency(row, names),
            }
            for row in comparison.efficiency
        ],
        "remarks": compare_words.remarks(comparison),
        "sentences": compare_words.sentences(comparison),
    }


def _task(part: TaskDecision) -> Document:
    return {
        "task": part.task,
        "objectives": [_column(column) for column in part.board.columns[: part.board.objectives]],
        "candidates": [_standing(part.board, row, standing) for row, standing in enumerate(part.standings)],
        "front": list(part.front.members),
        "front_ignores_limits": part.front.relaxed,
        "hypervolume": part.volume.value,
        "hypervolume_remark": volume(part.volume),
        "recommendation": _recommendation(part),
        "sensitivity": _sensitivity(part.sensitivity),
        "remarks": decision_words.remarks(part),
    }


def _column(column: Column) -> Document:
    return {
        "asked": column.asked,
        "name": column.name,
        "unit": column.unit,
        "higher_is_better": column.higher_is_better,
        "margin": column.margin,
        "margin_is_relative": column.margin_is_relative,
    }


def _standing(board: Board, row: int, standing: Standing) -> Document:
    values = {
        column.name: {"value": quantity.value, "ci_low": quantity.ci_low, "ci_high": quantity.ci_high}
        for column, quantity in zip(board.columns[: board.objectives], board.quantities[row], strict=False)
        if quantity is not None
    }
    checks = [
        {
            "limit": check.limit.label,
            "state": check.state,
            "bound": check.bound,
            "slack": check.slack,
            "breaks": check.breaks,
            "sentence": limits.check(check, across=not board.task),
        }
        for check in standing.checks
    ]
    return {
        "name": standing.name,
        "label": standing.label,
        "other": standing.other,
        "on_observed_front": standing.on_observed_front,
        "stability": standing.stability,
        "values": values,
        "limits": checks,
        "sentence": standings.standing(board, standing),
    }


def _recommendation(part: TaskDecision) -> Document:
    advice: Recommendation = part.recommendation
    step = advice.next_step
    doubts = () if advice.leader is None else part.board.doubts_of(advice.leader)
    binding = [
        {
            "limit": limiting.check.limit.label,
            "instead": limiting.instead,
            "slack": limiting.check.slack,
            "sentence": recommendation.binding(part, limiting),
        }
        for limiting in advice.binding
    ]
    return {
        "task": advice.task,
        "rule": advice.rule,
        "outcome": advice.outcome.value,
        "pick": advice.pick,
        "leader": advice.leader,
        "doubts": [doubt.code for doubt in doubts],
        "in_doubt": {doubt.code: doubt.columns for doubt in doubts},
        "settled": advice.outcome.is_settled,
        "risk": None
        if advice.risk is None
        else {
            "breaks_a_limit": advice.risk.breaks,
            "other_processes_are_known": not advice.risk.within,
            "best": advice.risk.best,
            "expected_loss": advice.risk.loss,
            "loss_of": None if advice.risk.column is None else advice.risk.column.name,
        },
        "gain": None if advice.gain is None else asdict(advice.gain),
        "confidence": advice.confidence,
        "shares": advice.shares,
        "runner_up": advice.runner_up,
        "price": recommendation.price(part),
        "binding": binding,
        "excluded": recommendation.excluded(part),
        "barred": {item.name: item.missing.doubt for item in advice.cautions if isinstance(item, Barred)},
        "next_step": None
        if step is None
        else {
            "parts": [asdict(observations) for observations in step.parts],
            "seconds": step.seconds,
            "sentence": steps.next_step(part.board, step),
        },
        "knee": advice.knee,
        "warnings": [str(recommendation.caution(part, limiting)) for limiting in advice.cautions],
        "sentences": decision_words.recommended(part),
    }


def _sensitivity(explored: Sensitivity) -> Document:
    return {
        "break_points": [_break_point(point) for point in explored.break_points],
        "without": [
            {
                "objective": without.objective,
                "lost": without.lost,
                "pick": without.pick,
                "changes": without.changes,
                "sentence": sensitivity.without_objective(without),
            }
            for without in explored.without
        ],
        "acceptability": explored.acceptability,
    }


def _break_point(point: BreakPoint) -> Document:
    return {
        "limit": point.limit.label,
        "at": point.at,
        "below": point.below,
        "above": point.above,
        "sentence": limits.break_point(point),
        "shown": limits.break_value(point),
        "at_is_above": point.at_is_above,
    }


def _clean(value: object) -> object:
    """Put None for every number that JSON cannot hold, and lists for tuples."""
    if isinstance(value, Mapping):
        return {str(key): _clean(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_clean(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
