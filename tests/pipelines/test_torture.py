"""A small crash test with every change; `make torture` is the full one."""

from tests.torture import Step, torture


def test_a_replan_that_is_killed_again_and_again_leaves_what_an_undisturbed_one_does(tmp_path, capsys):
    torture(kills=3, seed=7, folder=tmp_path, story=(Step("2026-11-22", "replan"),))

    assert "3 kills, the same warehouse after each step, every message once" in capsys.readouterr().out
