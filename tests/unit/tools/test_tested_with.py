# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/tested-with.md, the READMEs and the workflow tell the versions that the gates really use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
SERVERS = {"nanomdm": "NanoMDM", "depserver": "NanoDEP", "nanohub": "NanoHUB", "nanoaxm": "NanoAXM"}


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.fixture
def pythons(tool: Callable[[str], ModuleType]) -> dict[str, tuple[str, ...]]:
    """For each release of ansible-core, the one that is taken first and the others."""
    found: dict[str, tuple[str, ...]] = tool("cores").PYTHONS
    return found


@pytest.fixture
def versions(tool: Callable[[str], ModuleType]) -> dict[str, str]:
    """Of the servers that are built, by the names that people know."""
    return {SERVERS[name]: source.rpartition("@")[2] for name, source in tool("servers").BUILT_FROM.items()}


def numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def rows(page: str) -> Iterator[list[str]]:
    """The cells of every row of its tables."""
    for line in page.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def test_the_page_has_each_release_with_its_pythons(pythons: dict[str, tuple[str, ...]]) -> None:
    head, *lines = [row for row in rows(read("docs/tested-with.md")) if len(row) == 5]
    columns = [title.removeprefix("Python ") for title in head[1:]]
    told = {
        release: {python: mark for python, mark in zip(columns, marks, strict=True) if mark}
        for release, *marks in lines
    }
    used = {release: dict.fromkeys(others, "yes") | {first: "first"} for release, (first, *others) in pythons.items()}
    assert told == used


def test_the_page_has_each_server_with_its_version(versions: dict[str, str]) -> None:
    told = {row[0]: row[1] for row in rows(read("docs/tested-with.md")) if len(row) == 3}
    assert versions.items() <= told.items()
    assert {"PostgreSQL", "Chromium"} <= told.keys()


@pytest.mark.parametrize("page", ["README.md", "README.ja.md"])
def test_the_readme_names_the_same(page: str, versions: dict[str, str], pythons: dict[str, tuple[str, ...]]) -> None:
    text = " ".join(read(page).split())
    for name, version in versions.items():
        assert set(re.findall(rf"{name} (v[\d.]+\d)", text)) == {version}
    oldest = min((release for release in pythons if release[0].isdigit()), key=numbers)
    assert set(re.findall(r"ansible-core (\d[\d.]*\d)", text)) == {oldest}
    assert f">={oldest}.0" == yaml.safe_load(read("meta/runtime.yml"))["requires_ansible"]
    assert set(re.findall(r"Python (\d\.\d+)", text)) == {
        min((each for one in pythons.values() for each in one), key=numbers)
    }


def test_the_workflow_runs_each_release_on_each_of_its_pythons(pythons: dict[str, tuple[str, ...]]) -> None:
    jobs = yaml.safe_load(read(".github/workflows/tests.yml"))["jobs"]
    pairs = [(pair["core"], pair["python"]) for pair in jobs["cores"]["strategy"]["matrix"]["include"]]
    assert sorted(pairs) == sorted((release, python) for release, each in pythons.items() for python in each)
    assert jobs["cores"]["env"] == {"CORE_PYTHON": "${{ matrix.python }}"}
