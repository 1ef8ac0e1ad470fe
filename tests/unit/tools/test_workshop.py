# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What GitHub and pre-commit run is what `make` runs, and the forms ask for what there is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def hooks() -> list[dict[str, Any]]:
    return [hook for repo in load(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]


def matrix(job: dict[str, Any]) -> list[dict[str, str]]:
    """The values with which the job is run."""
    given = job.get("strategy", {}).get("matrix", {})
    single = [{name: value} for name, values in given.items() if name != "include" for value in values]
    return given.get("include") or single or [{}]


def make_commands(job: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Each target that the job makes, with the gates that it names."""
    for values in matrix(job):
        for step in job["steps"]:
            run = step.get("run", "")
            for name, value in values.items():
                run = run.replace(f"${{{{ matrix.{name} }}}}", value)
            if run.startswith("make "):
                yield target_and_gates(run)


def target_and_gates(command: str) -> tuple[str, list[str]]:
    """Of `make --silent test GATES='ruff mypy'`."""
    words = [word for word in shlex.split(command)[1:] if not word.startswith("--")]
    gates = [word.removeprefix("GATES=").split() for word in words if word.startswith("GATES=")]
    return words[0], [name for names in gates for name in names]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_makes_targets_and_gates_that_exist(path: Path, tool: Callable[[str], ModuleType]) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    tiers = {tier: {gate.name for gate in gates} for tier, gates in tool("gates").TIERS.items()}
    made = [command for job in load(path)["jobs"].values() for command in make_commands(job)]
    assert {target for target, _gates in made} <= targets
    assert [(target, name) for target, gates in made for name in gates if name not in tiers[target]] == []


def test_github_makes_what_ci_makes() -> None:
    """.ci/run is what decides; on GitHub every target of it runs, too."""
    decided = set(
        re.findall(r"^(?:exec )?make ([a-z]+)$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    )
    made = {
        target for path in WORKFLOWS for job in load(path)["jobs"].values() for target, _gates in make_commands(job)
    }
    assert decided and decided <= made


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_have_a_major_version(path: Path) -> None:
    used = [step["uses"] for job in load(path)["jobs"].values() for step in job["steps"] if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in used)


def test_no_hook_brings_a_version_of_its_own() -> None:
    """They run the gates, or the ruff of the gates."""
    assert {repo["repo"] for repo in load(ROOT / ".pre-commit-config.yaml")["repos"]} == {"local"}
    assert all(hook["language"] == "system" for hook in hooks())
    assert all(hook["entry"].startswith((".work/venv/bin/ruff ", "make ")) for hook in hooks())


def test_hooks_run_gates_that_exist(tool: Callable[[str], ModuleType]) -> None:
    known = {gate.name for gate in tool("gates").GATES}
    made = [target_and_gates(hook["entry"]) for hook in hooks() if hook["entry"].startswith("make ")]
    named = {name for _target, gates in made for name in gates}
    assert {"ruff", "mypy", "lint", "changelog", "fragments"} <= named <= known


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_whole(path: Path) -> None:
    form = load(path)
    assert {"name", "description", "body"} <= form.keys()
    asked = [field["id"] for field in form["body"] if field["type"] != "markdown"]
    assert len(asked) == len(set(asked)) > 3
    assert all(field["attributes"]["label"] for field in form["body"] if field["type"] != "markdown")


def test_the_form_for_clomo_asks_for_the_whole_output_of_the_check() -> None:
    """All keys of its result but those of its sentences."""
    text = (ROOT / "plugins" / "modules" / "clomo_panel_check.py").read_text(encoding="utf-8")
    returned = set(re.findall(r"^(\w+):$", text.partition('RETURN = r"""')[2].partition('"""')[0], re.MULTILINE))
    (form,) = (load(path) for path in FORMS if path.stem == "clomo_panel")
    (check,) = (field for field in form["body"] if field.get("id") == "check")
    assert check["validations"]["required"]
    assert set(re.findall(r"`(\w+)`", check["attributes"]["description"])) == returned
    assert "nendo.apple_mdm.clomo_panel_check" in form["body"][0]["attributes"]["value"]


def test_the_repository_has_one_address() -> None:
    """That of galaxy.yml, wherever people are sent to report something or to read on."""
    repository = load(ROOT / "galaxy.yml")["repository"]
    pages = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs" / "docsite").rglob("*.[ry]*"), *FORMS]
    pages.append(ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml")
    texts = [path.read_text(encoding="utf-8") for path in pages]
    named = [address for text in texts for address in re.findall(r"https://github\.com/[\w-]+/[\w-]+", text)]
    assert set(named) == {repository}
    links = load(ROOT / "docs" / "docsite" / "links.yml")
    assert f"https://github.com/{links['edit_on_github']['repository']}" == repository
