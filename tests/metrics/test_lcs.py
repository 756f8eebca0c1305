from hypothesis import given
from hypothesis import strategies as st

from bench.metrics.lcs import lcs_length
from bench.metrics.rouge_l import RougeL

WORDS = st.lists(st.sampled_from(["load", "left", "port", "tea", "Ühr", "9"]), max_size=80)


def table(a: list[str], b: list[str]) -> int:
    rows = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            rows[i][j] = rows[i - 1][j - 1] + 1 if x == y else max(rows[i - 1][j], rows[i][j - 1])
    return rows[-1][-1]


@given(WORDS, WORDS)
def test_the_length_is_that_of_the_table(a: list[str], b: list[str]) -> None:
    assert lcs_length(a, b) == table(a, b)


@given(WORDS, WORDS)
def test_rouge_l_is_rouge_scores_own(a: list[str], b: list[str]) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    wanted, given_ = " ".join(a), "\n".join(b)
    assert RougeL().scores([wanted], [given_]) == [RougeScorer(["rougeL"]).score(wanted, given_)["rougeL"].fmeasure]
