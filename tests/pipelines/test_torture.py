"""A small crash test with every change; `make torture` is the full one."""

from tests.torture import Step, torture


def test_a_replan_that_is_killed_again_and_again_leaves_what_an_undisturbed_one_does(tmp_path, capsys, is_long):
    kills = 3 if is_long else 1
    torture(kills=kills, seed=7, folder=tmp_path, story=(Step("2026-11-22", "replan"),))

    assert f"{kills} kills, the same warehouse after each step, every message once" in capsys.readouterr().out
