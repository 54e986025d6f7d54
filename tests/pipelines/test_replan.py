"""`paceline replan` as its users run it: a plan is issued once, posted once, and later held against what happened."""

import os
import shutil

import pytest

from pipelines.settings import EXAMPLES
from tests.runs import paceline, rows


@pytest.fixture(scope="module")
def planned(example, tmp_path_factory):
    """The example company after a final plan for November, and then a draft for December."""
    data_dir = tmp_path_factory.mktemp("planned")
    shutil.copytree(example, data_dir, dirs_exist_ok=True)
    final = paceline(data_dir, "replan", "--as-of", "2026-10-31")
    draft = paceline(data_dir, "replan")
    assert (final.returncode, draft.returncode) == (0, 0), final.stderr + draft.stderr
    (data_dir / "draft.txt").write_text(draft.stdout + draft.stderr)
    return data_dir


def test_a_plan_is_final_once_the_month_before_is_measured_and_a_draft_until_then(planned):
    issued = rows(planned, "select plan_month::varchar, stage, as_of_date::varchar from plan.issued_plans group by all")

    assert sorted(issued) == [("2026-11-01", "final", "2026-10-31"), ("2026-12-01", "draft", "2026-11-22")]


def test_a_plan_is_posted_to_each_team_and_to_the_organisation(planned):
    posted = sorted(name for name in os.listdir(planned / "outbox") if name.startswith("plan__") and "txt" in name)

    assert [name.partition("__unaddressed")[0] for name in posted if "__org__" in name] == [
        "plan__2026-11__final__org__org",
        "plan__2026-12__draft__org__org",
    ]
    for team in ("mobile", "payments", "platform"):
        assert len([name for name in posted if f"__team__{team}___" in name]) == 2
    leads = ["mobile__lead__U82007EB42", "payments__lead__UEED4E646C", "platform__lead__U50F8EDD6B"]
    assert [name for name in posted if "__lead__" in name and "__draft__" in name] == [
        f"plan__2026-12__draft__team__{lead}.txt" for lead in leads
    ]
    assert len(posted) == 2 + 2 * 2 * 3
    shown = (planned / "draft.txt").read_text()
    assert "Draft plan for December 2026: Mobile" in shown
    assert "Recommended caps of December 2026" in shown


def test_what_was_planned_stands_beside_what_happened(planned):
    # Planned is what the final plan for November was issued with; what was used: tests/data/expected/cap_usage.csv.
    issued = rows(
        planned,
        """
        select scope_id, expected_tokens from plan.issued_plans
        where plan_month = '2026-11-01' and scope = 'team' order by 1""",
    )
    found = rows(
        planned,
        """
        select scope_id, stage, used_tokens::bigint, is_complete, expected_tokens from plan.plan_outcomes
        where scope = 'team' order by 1""",
    )

    used = {"mobile": 4_863_288, "payments": 12_567_262, "platform": 6_660_947}
    assert found == [(team, "final", used[team], False, expected) for team, expected in issued]
    assert rows(planned, "select count(*) from plan.plan_outcomes") == [(18,)]  # December has not begun
    changes = rows(planned, "select count(*), count(previous_baseline_tokens) from plan.cap_recommendations")
    assert changes == [(18, 18)]


def test_every_cap_can_be_worked_out_from_the_columns_beside_it(planned):
    wrong = rows(
        planned,
        """
        select scope_id, recommended_cap_tokens, baseline_tokens * (1 + growth_ratio) * (1 + buffer_ratio) as by_hand
        from plan.cap_recommendations
        where recommended_cap_tokens not between greatest(by_hand, coalesce(floor_tokens, 0)) * 0.9999
            and greatest(by_hand, coalesce(floor_tokens, 0)) * 1.01 + 1""",
    )

    assert wrong == []


def test_issuing_the_same_plan_again_changes_nothing_and_tells_nobody_twice(planned):
    before = rows(planned, "from plan.issued_plans order by all"), sorted(os.listdir(planned / "outbox"))

    again = paceline(planned, "replan")

    assert again.returncode == 0, again.stderr
    assert "issued before" in again.stderr
    assert "Draft plan" not in again.stdout + again.stderr
    assert (rows(planned, "from plan.issued_plans order by all"), sorted(os.listdir(planned / "outbox"))) == before


def test_a_plan_that_differs_is_issued_again_and_says_that_it_is_not_posted_again(planned, tmp_path):
    shutil.copytree(planned, tmp_path, dirs_exist_ok=True)
    shutil.copytree(EXAMPLES / "org", tmp_path / "own_org")
    caps = tmp_path / "own_org" / "caps.csv"
    caps.write_text(caps.read_text().rstrip("\n") + "\ndeveloper,dev-03,2026-12,1234567,\nteam,mobile,2026-12,,99.5\n")
    (tmp_path / "own_org" / "assumptions.csv").write_text(
        "name,value,unit,valid_from\nbuffer_ratio,0.25,ratio,2026-01-01\n"
    )
    before = sorted(os.listdir(tmp_path / "outbox"))

    again = paceline(tmp_path, "replan", PACELINE_ORG_DIR=str(tmp_path / "own_org"))

    assert again.returncode == 0, again.stderr
    assert "plan of December 2026, draft: 18 caps; not posted again: it was posted as draft on 20" in again.stderr
    assert [name for name in os.listdir(tmp_path / "outbox") if name not in before and name.startswith("plan__")] == []
    # What is decided of a month to come shows before it begins.
    decided = rows(
        tmp_path,
        """
        select scope_id, decided_cap_tokens, decided_cap_usd::float, decided_cap_source from plan.cap_recommendations
        where decided_cap_source is not null order by all""",
    )
    assert decided == [("dev-03", 1234567, None, "set"), ("mobile", None, 99.5, "set")]
    shown = [line for line in again.stdout.splitlines() if "dev-03" in line or "team" in line and "mobile" in line]
    assert any("1,234,567" in line for line in shown)
    assert any("$99.50" in line for line in shown)


@pytest.mark.parametrize("month", ["2026-10", "2027-02", "next"])
def test_a_month_that_cannot_be_planned_is_wrong_usage(planned, month):
    done = paceline(planned, "replan", "--month", month)

    assert done.returncode == 2
    assert month in done.stderr
