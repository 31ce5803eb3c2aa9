"""Keep rates of thresholds, by source and slice, with the groups that lose marked."""

from pipelines.report.thresholds import Curve, curves, is_low, steps, thresholds_table

VALUES = {f"d{n:03}": float(n) for n in range(100)}
GROUPS = {"disease:malaria": [f"d{n:03}" for n in range(40)], "source:who": [f"d{n:03}" for n in range(30, 100)]}


def test_each_group_has_the_share_that_a_threshold_keeps() -> None:
    found = curves(VALUES, GROUPS, [20, 60], most=False)
    assert found == [
        Curve("all", 100, (0.8, 0.4)),
        Curve("source:who", 70, (1.0, 40 / 70)),
        Curve("disease:malaria", 40, (0.5, 0.0)),
    ]
    assert [is_low(one, found[0]) for one in found] == [False, False, True]
    assert curves(VALUES, {}, [20], most=True)[0].kept == (0.21,)


def test_groups_without_enough_values_are_left_out() -> None:
    few = {f"d{n:03}": 1.0 for n in range(29)}
    assert [one.group for one in curves(few, GROUPS, [0], most=False)] == ["all"]


def test_steps_are_tenths_and_none_twice() -> None:
    assert len(steps(VALUES)) == 9
    assert steps(dict.fromkeys("abcdef", 1.0)) == [1.0]


def test_the_table_marks_what_keeps_less_than_half_of_the_overall_rate() -> None:
    table = thresholds_table("words", curves(VALUES, GROUPS, [20, 60], most=False), [20, 60], most=False)
    assert [list(column.cells) for column in table.columns][2:] == [["80%", "100%", "50%"], ["40%", "57%", "!0%"]]
