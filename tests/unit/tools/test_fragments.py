# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commits that change what ships have to tell the changelog. Shown on real repositories, made for each test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

PLUGIN, FRAGMENT = "plugins/modules/apns_csr.py", "changelogs/fragments/12-apns-csr.yml"
RULE, RELEASES = "tools/fragments.py", "changelogs/changelog.yaml"
EMPTY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
PEOPLE = {f"GIT_{who}_{what}": "a@school.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Repository:
    """A clone with a release and the rule."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit("Release", {RELEASES: "releases: {0.1.0: {}}\n", PLUGIN: "0"})
        self.commit("Ask for fragments", {RULE: "# the rule\n"})

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.root), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def write(self, files: dict[str, str | None]) -> None:
        """None deletes."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if text is None else path.write_text(text)

    def commit(self, message: str, files: dict[str, str | None]) -> str:
        """Its short hash."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "--short", "HEAD")


@pytest.fixture
def fragments(tool: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool; git knows neither this machine's settings nor the repository from whose hook the tests may be run."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, value in {**EMPTY, **PEOPLE}.items():
        monkeypatch.setenv(name, value)
    return tool("fragments")


@pytest.fixture
def repository(fragments: ModuleType, tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.mark.parametrize(
    ("files", "is_named"),
    [
        pytest.param({PLUGIN: "1"}, True, id="a plugin alone"),
        pytest.param({PLUGIN: None}, True, id="a plugin that is deleted"),
        pytest.param({"requirements.txt": "requests\n"}, True, id="requirements"),
        pytest.param({"roles/push_certificate/tasks/main.yml": "[]\n"}, True, id="a role"),
        pytest.param({PLUGIN: "1", FRAGMENT: "bugfixes: [x]\n"}, False, id="a plugin with a fragment"),
        pytest.param({PLUGIN: "1", FRAGMENT: "trivial: [x]\n"}, False, id="a trivial fragment counts"),
        pytest.param({"tests/unit/test_x.py": "", "docs/x.md": ""}, False, id="does not ship"),
    ],
)
def test_a_commit(fragments: ModuleType, repository: Repository, files: dict[str, str | None], is_named: bool) -> None:
    commit = repository.commit("Change it", files)
    assert fragments.without_fragment(repository.root) == ([f"{commit} Change it"] if is_named else [])


@pytest.mark.parametrize(
    ("files", "is_named"),
    [
        pytest.param({PLUGIN: "1"}, True, id="changed"),
        pytest.param({"plugins/modules/new.py": ""}, True, id="new"),
        pytest.param({"plugins/modules/new.py": "", FRAGMENT: ""}, False, id="new with a fragment"),
        pytest.param({"docs/x.md": ""}, False, id="does not ship"),
    ],
)
def test_what_is_not_committed_yet(
    fragments: ModuleType, repository: Repository, files: dict[str, str | None], is_named: bool
) -> None:
    repository.write(files)
    assert fragments.without_fragment(repository.root) == (["what is not committed yet"] if is_named else [])


def test_a_fragment_that_is_changed_counts_and_one_that_is_deleted_does_not(
    fragments: ModuleType, repository: Repository
) -> None:
    repository.commit("Bring it", {PLUGIN: "1", FRAGMENT: "minor_changes: [x]\n"})
    repository.commit("Extend it", {PLUGIN: "2", FRAGMENT: "minor_changes: [x, y]\n"})
    assert fragments.without_fragment(repository.root) == []
    last = repository.commit("Take it back", {PLUGIN: "3", FRAGMENT: None})
    assert fragments.without_fragment(repository.root) == [f"{last} Take it back"]


def test_a_later_commit_makes_up_for_the_one_that_it_names(fragments: ModuleType, repository: Repository) -> None:
    first = repository.commit("First", {PLUGIN: "1"})
    second = repository.commit("Second", {PLUGIN: "2"})
    repository.commit(f"The changelog of {first}", {FRAGMENT: "bugfixes: [x]\n"})
    assert fragments.without_fragment(repository.root) == [f"{second} Second"]
    repository.commit(f"Nothing for the changelog of {second}", {"docs/x.md": ""})
    assert fragments.without_fragment(repository.root) == [f"{second} Second"]


def test_a_release_draws_a_line(fragments: ModuleType, repository: Repository) -> None:
    repository.commit("Forgotten", {PLUGIN: "1"})
    repository.commit("Release", {RELEASES: "releases: {0.2.0: {}}\n"})
    after = repository.commit("After", {PLUGIN: "2"})
    assert fragments.without_fragment(repository.root) == [f"{after} After"]


def test_commits_that_do_not_know_the_rule_are_not_asked(fragments: ModuleType, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.git("checkout", "--quiet", "-b", "older", "HEAD~1")
    repository.commit("Begun before the rule", {"playbooks/x.yml": "[]\n"})
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-edit", "older")
    assert fragments.without_fragment(repository.root) == []
    after = repository.commit("After the merge", {PLUGIN: "1"})
    assert fragments.without_fragment(repository.root) == [f"{after} After the merge"]


def test_without_the_rule_nothing_is_asked(fragments: ModuleType, repository: Repository) -> None:
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    repository.commit("Change it", {PLUGIN: "1"})
    assert fragments.without_fragment(repository.root) == []


def test_a_release_archive_is_no_clone(fragments: ModuleType, tmp_path: Path) -> None:
    assert "no clone" in fragments.missing(tmp_path)


def shallow_clone(repository: Repository, depth: int) -> Path:
    clone = repository.root.with_name("shallow")
    repository.git("clone", "--quiet", f"--depth={depth}", f"file://{repository.root}", str(clone))
    return clone


def test_a_shallow_clone_needs_its_history_back_to_the_release(fragments: ModuleType, repository: Repository) -> None:
    repository.commit("Release", {RELEASES: "releases: {0.2.0: {}}\n"})
    repository.commit("Change it", {PLUGIN: "1"})
    assert fragments.missing(shallow_clone(repository, 2)).endswith("git fetch --unshallow")


def test_a_shallow_clone_with_the_release_is_enough(fragments: ModuleType, repository: Repository) -> None:
    repository.commit("Release", {RELEASES: "releases: {0.2.0: {}}\n"})
    commit = repository.commit("Change it", {PLUGIN: "1"})
    clone = shallow_clone(repository, 3)
    assert fragments.missing(clone) is None
    assert fragments.without_fragment(clone) == [f"{commit} Change it"]
