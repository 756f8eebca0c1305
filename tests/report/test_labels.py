from hypothesis import given
from hypothesis import strategies as st

from bench.report.drawing.labels import Wanted, overlap, place

BOUNDS = (0.0, 0.0, 500.0, 300.0)
wanted = st.builds(
    Wanted, st.floats(0, 500), st.floats(0, 300), st.floats(10, 120), st.just(10.0), needed=st.booleans()
)


@given(st.lists(wanted, max_size=20))
def test_labels_cover_neither_each_other_nor_a_point_and_stay_inside(labels: list[Wanted]) -> None:
    points = [(w.x - 4, w.y - 4, w.x + 4, w.y + 4) for w in labels]
    boxes = []
    for label, spot in zip(labels, place(labels, points, BOUNDS), strict=True):
        if spot is not None:
            boxes.append((spot.left, spot.bottom, spot.left + label.width, spot.bottom + label.height))
    for i, box in enumerate(boxes):
        assert box[0] >= 0
        assert box[1] >= 0
        assert box[2] <= 500
        assert box[3] <= 300
        assert not any(overlap(box, other) for other in [*boxes[:i], *points])


def test_a_lone_label_stands_to_the_right_of_its_point() -> None:
    spot = place([Wanted(100, 100, 40, 10)], [], BOUNDS)[0]
    assert spot is not None
    assert (spot.left, spot.bottom, spot.leader) == (107.0, 95.0, False)


def test_needed_labels_are_placed_first() -> None:
    box = (0.0, 0.0, 70.0, 12.0)
    spots = place([Wanted(5, 6, 50, 10), Wanted(5, 6, 50, 10, needed=True)], [], box)
    assert spots[0] is None
    assert spots[1] is not None


def test_a_crowd_names_only_those_that_are_needed() -> None:
    crowd = [Wanted(10.0 * i, 100, 8, 8, needed=i == 7) for i in range(40)]
    assert [i for i, spot in enumerate(place(crowd, [], BOUNDS)) if spot] == [7]
