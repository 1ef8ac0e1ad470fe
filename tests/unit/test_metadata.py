# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists that are kept by hand agree with what they list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
PAGES = sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
ROLES = sorted(path.name for path in (ROOT / "roles").glob("*") if path.is_dir())


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def packages(path: str) -> set[str]:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    return {re.split(r"[\[<>=]", line)[0] for line in lines if line and not line.startswith("#")}


def documentation(module: str, part: str) -> Any:
    """The YAML of DOCUMENTATION, EXAMPLES or RETURN, read from the module's text."""
    text = (ROOT / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")
    found = re.search(rf'^{part} = r?("""|\'\'\')(.*?)\1', text, re.DOTALL | re.MULTILINE)
    assert found, f"{module} has no {part}"
    return yaml.safe_load(found[2])


def test_the_action_group_lists_every_module_of_a_tenant() -> None:
    of_a_tenant = [
        module
        for module in MODULES
        if any(
            "_tenant" in fragment
            for fragment in documentation(module, "DOCUMENTATION")["extends_documentation_fragment"]
        )
    ]
    assert sorted(load("meta/runtime.yml")["action_groups"]["mdm"]) == of_a_tenant


def test_the_action_group_lists_every_step_of_a_campaign() -> None:
    steps = [
        module
        for module in MODULES
        if {"nendo.apple_mdm._campaign.step", "nendo.apple_mdm._campaign.guards"}
        <= set(documentation(module, "DOCUMENTATION")["extends_documentation_fragment"])
    ]
    assert sorted(load("meta/runtime.yml")["action_groups"]["campaign"]) == steps


@pytest.mark.parametrize("module", MODULES)
def test_a_module_documents_itself(module: str) -> None:
    documented = documentation(module, "DOCUMENTATION")
    assert documented["module"] == module
    assert not documented["short_description"].endswith(".")
    assert all("name" in example for example in documentation(module, "EXAMPLES"))
    documentation(module, "RETURN")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_a_test(module: str) -> None:
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__).resolve()]
    assert any(re.search(rf"\b{module}\b", path.read_text(encoding="utf-8")) for path in tests)


@pytest.mark.parametrize("module", MODULES)
def test_info_modules_say_they_change_nothing(module: str) -> None:
    if module.endswith("_info"):
        assert "_attributes.info" in " ".join(documentation(module, "DOCUMENTATION")["extends_documentation_fragment"])


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_defaults_are_those_of_its_argument_specs(role: str) -> None:
    options = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    specified = {name: option["default"] for name, option in options.items() if "default" in option}
    defaults = load(f"roles/{role}/defaults/main.yml")
    templates = {name: default for name, default in defaults.items() if "{{" in str(default)}
    assert defaults == templates | specified
    assert templates.keys() <= options.keys()


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_variables_start_with_its_name_or_are_shared(role: str) -> None:
    options = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert all(name.startswith((f"{role}_", "apple_mdm_")) for name in options)


def test_the_changelog_knows_the_version() -> None:
    assert load("galaxy.yml")["version"] in load("changelogs/changelog.yaml")["releases"]


def test_an_execution_environment_gets_what_the_collection_needs() -> None:
    assert packages("meta/ee-requirements.txt") == packages("requirements.txt")


@pytest.mark.parametrize("path", ["requirements.txt", "tests/simulator/requirements.txt"])
def test_the_unit_tests_get_what_they_import(path: str) -> None:
    """But for the browser's: those tests run once, in our own environment, not again on every core."""
    assert packages(path) - packages("tests/unit/requirements.txt") <= {"playwright"}


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    linked = [target for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in target]
    assert [target for target in linked if not (ROOT / page).parent.joinpath(target).exists()] == []


@pytest.mark.parametrize("name", ["nendo-events.service", "Containerfile"])
def test_what_starts_nendo_events_gives_it_both_keys(name: str) -> None:
    """Without the ledger's key bypass codes are dropped, and no device with one is ever erased."""
    text = (ROOT / "extras" / "nendo-events" / name).read_text(encoding="utf-8")
    assert "--hmac-key-file" in text and "--ledger-key-file" in text
