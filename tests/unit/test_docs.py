# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the documentation names exists, and what exists is named: variables, options, states, playbooks, headings."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.drivers import OPTIONS
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.model import STATES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")] if path.stem != "CHANGELOG"
)
TRANSLATED = [page for page in PAGES if page.replace(".md", ".ja.md") in PAGES]
MODULES = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
PLAYBOOKS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "playbooks").glob("*.yml")}
TASKS = [path.read_text(encoding="utf-8") for path in (ROOT / "playbooks" / "tasks").glob("*.yml")]
ROLES = [path.parents[1].name for path in (ROOT / "roles").glob("*/defaults/main.yml")]

PREFIXES = (
    *("apple_mdm", "push_certificate", "server_token", "content_token", "credentials_report", "orders_export"),
    *("portal_assist", "graduation"),
)
VARIABLE = rf"\b(?:{'|'.join(PREFIXES)})_[a-z_]+\b"
SET_BY_THE_PLAYBOOKS = {"credentials_report_state", "credentials_report_dangers", "portal_assist_credential"}

SECTIONS = yaml.safe_load((ROOT / "changelogs" / "config.yaml").read_text(encoding="utf-8"))["sections"]
IN_FRAGMENTS = {"release_summary", "trivial", *(name for name, _title in SECTIONS)}

DRIVER_PAGES = ["docs/driver-clomo.md", "docs/driver-nanomdm.md"]


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def internal() -> set[str]:
    """What the playbooks and their tasks set, register or loop over themselves, and the names of filters and files."""
    texts = [*PLAYBOOKS.values(), *TASKS]
    made = r"(?:register|loop_var): (\w+)|^ +(graduation_\w+): |apple_mdm\.(\w+)|tasks/(\w+)\.yml|(graduation_\w+)(?= is defined)"
    found = {name for text in texts for names in re.findall(made, text, re.MULTILINE) for name in names if name}
    return found | SET_BY_THE_PLAYBOOKS


def role_variables() -> set[str]:
    return {name for role in ROLES for name in yaml.safe_load(read(f"roles/{role}/defaults/main.yml"))}


def playbook_variables() -> set[str]:
    defaults = [read(f"roles/{role}/defaults/main.yml") for role in ROLES]
    texts = [*PLAYBOOKS.values(), *TASKS, *defaults, read("plugins/filter/device_parts.py")]
    found = {name for text in texts for name in re.findall(VARIABLE, text)}
    return found - role_variables() - internal() - set(MODULES) - set(OPTIONS)


def known_variables() -> set[str]:
    return role_variables() | playbook_variables()


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page, without the indentation that they have within a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", read(page), re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def commands(page: str) -> list[str]:
    """The lines of the shell blocks without their comments."""
    return [
        line.split("  #")[0].split("    # ")[0].rstrip() for text in blocks(page, "sh") for line in text.splitlines()
    ]


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without the tables' own heads."""
    section = re.search(rf"^##+ {re.escape(heading)}\n(.*?)(?=^## |\Z)", read(page), re.DOTALL | re.MULTILINE)
    assert section, f"{page} has no {heading}"
    rows = [line.strip("|").split("|") for line in section[1].splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def variables_in(block: Any) -> Iterator[tuple[str, Any]]:
    """Variables with their values, from an inventory or a file of variables."""
    if isinstance(block, list):
        return
    groups = [group for group in block.values() if isinstance(group, dict) and {"hosts", "vars"} & set(group)]
    for group in groups:
        for variables in (*group.get("hosts", {}).values(), group.get("vars", {})):
            yield from variables.items()
    if not groups:
        yield from block.items()


def strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings_in(part)
    elif isinstance(value, str):
        yield value


def unknown_in_expressions(block: Any) -> set[str]:
    expressions = [inner for text in strings_in(block) for inner in re.findall(r"\{\{(.*?)\}\}", text)]
    used = {name for expression in expressions for name in re.findall(r"[a-z]\w+", expression)}
    return {name for name in used - known_variables() if not name.startswith(("vault_", "ansible_"))}


def test_there_is_something_to_check() -> None:
    assert {"README.md", "docs/renewal.md", "docs/troubleshooting.md"} <= set(TRANSLATED)
    assert {"apple_mdm_server", "apple_mdm_portal", "orders_export_path"} <= playbook_variables()
    assert blocks("docs/awx.md", "yaml"), "blocks within lists are found"


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_named_exists(page: str) -> None:
    assert set(re.findall(VARIABLE, read(page))) - known_variables() - set(OPTIONS) == set()


@pytest.mark.parametrize("page", PAGES)
def test_yaml_blocks_name_what_exists(page: str) -> None:
    for text in blocks(page, "yaml"):
        block = yaml.safe_load(text)
        assert unknown_in_expressions(block) == set()
        if isinstance(block, dict) and block.keys() <= IN_FRAGMENTS:
            continue
        for name, value in variables_in(block):
            assert name in known_variables() or name.startswith("ansible_"), name
            if name == "apple_mdm_server":
                assert set(value) <= set(OPTIONS)
        for task in block if isinstance(block, list) else []:
            assert_task_exists(task)


def assert_task_exists(task: dict[str, Any]) -> None:
    prefix = "nendo.apple_mdm."
    if "import_playbook" in task:
        assert task["import_playbook"].removeprefix(prefix) in PLAYBOOKS
        return
    (action,) = [key for key in task if key.startswith(prefix)]
    short = action.removeprefix(prefix)
    module = importlib.import_module(f"ansible_collections.nendo.apple_mdm.plugins.modules.{short}")
    assert set(task[action]) <= set(module.ARGUMENT_SPEC)


def test_the_readmes_inventory_is_short_and_whole() -> None:
    inventory, shared = (yaml.safe_load(text) for text in blocks("README.md", "yaml"))
    (tenant,) = inventory["mdm_tenants"]["hosts"].values()
    assert blocks("README.md", "yaml")[0].count("\n") <= 12
    assert {"url", "dep_url", "content_token_path"} <= set(tenant["apple_mdm_server"])
    assert "apple_mdm_order_store" in shared


@pytest.mark.parametrize("page", PAGES)
def test_commands_name_playbooks_and_targets_that_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    for command in commands(page):
        if command.startswith("ansible-playbook"):
            (playbook,) = re.findall(r"nendo\.apple_mdm\.(\w+)", command)
            assert playbook in PLAYBOOKS
        elif command.startswith("make "):
            assert command.split()[1] in targets
    for name in re.findall(r"ansible-doc nendo\.apple_mdm\.(\w+)", read(page)):
        assert name in MODULES


@pytest.mark.parametrize("page", PAGES)
def test_links_to_headings_lead_to_them(page: str) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", read(page)):
        linked = str((ROOT / page).parent.joinpath(target).resolve().relative_to(ROOT)) if target else page
        headings = re.findall(r"^#+ (.*)$", read(linked), re.MULTILINE)
        assert anchor in {slug(heading) for heading in headings}


def test_the_overview_lists_every_variable_playbook_role_and_module() -> None:
    listed = [name for row in table("docs/index.md", "Variables") for name in names(row[0])]
    assert sorted(listed) == sorted(known_variables())
    contents = {
        name for row in table("docs/index.md", "What is in the collection") for cell in row for name in names(cell)
    }
    assert contents | {"credentials_info"} >= {*PLAYBOOKS, *ROLES, *MODULES}


@pytest.mark.parametrize(
    ("page", "heading", "defaults"),
    [
        *(
            pytest.param(
                page,
                "Options of `apple_mdm_server`",
                {name: option.get("default") for name, option in OPTIONS.items()},
                id=page,
            )
            for page in DRIVER_PAGES
        ),
        pytest.param(
            "docs/index.md",
            "Variables",
            {
                name: int(default) if default.isdigit() else default
                for text in [*PLAYBOOKS.values(), *TASKS, *(read(f"roles/{role}/defaults/main.yml") for role in ROLES)]
                for name, default in re.findall(rf"({VARIABLE}) \| default\('?(\w+)'?\)", text)
                if default != "omit"
            },
            id="variables",
        ),
    ],
)
def test_defaults_are_told_as_they_are(page: str, heading: str, defaults: dict[str, Any]) -> None:
    """Cells in words (Apple's, the system's, required) tell what has no plain value."""
    for name_cell, told, *_meaning in table(page, heading):
        for name in names(name_cell):
            if name in defaults and not re.search(r"Apple|system|the shared|`mdm_id`", told):
                assert told.strip("`").lower() == str(defaults[name] if defaults[name] is not None else "").lower(), (
                    name
                )


def test_the_drivers_pages_list_every_option() -> None:
    rows = [row for page in DRIVER_PAGES for row in table(page, "Options of `apple_mdm_server`")]
    assert {name for row in rows for name in names(row[0])} == set(OPTIONS)


def test_the_guides_of_the_site_are_all_pages() -> None:
    linked = re.findall(r"/blob/main/(\S+)>`__", read("docs/docsite/rst/guides.rst"))
    assert sorted(linked) == sorted(["CONTRIBUTING.md", *(page for page in PAGES if page.startswith("docs/"))])


def test_orders_are_told_in_all_their_states() -> None:
    assert re.findall(r"^\| `(\w+)` \|", read("docs/orders.md"), re.MULTILINE)[: len(STATES)] == list(STATES)


def test_orders_are_told_in_all_ways_to_be_void() -> None:
    given = re.findall(r'_voided\(\s*order,\s*"(\w+)"', read("plugins/module_utils/orders/engine.py"))
    assert given
    assert set(given) <= {names(row[0])[0] for row in table("docs/orders.md", "Void")}


@pytest.mark.parametrize("page", TRANSLATED)
def test_the_japanese_page_says_the_same(page: str) -> None:
    japanese = page.replace(".md", ".ja.md")
    assert commands(page) == commands(japanese)
    assert blocks(page, "yaml") == blocks(japanese, "yaml")
    for sign in (r"^##+ ", r"^\| ", r"^ *(?:-|\d+\.) "):
        assert len(re.findall(sign, read(page), re.MULTILINE)) == len(re.findall(sign, read(japanese), re.MULTILINE)), (
            sign
        )
