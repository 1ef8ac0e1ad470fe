# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules' documentation says is what the modules take and return."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

PACKAGE = "ansible_collections.nendo.apple_mdm.plugins"
FOLDER = Path(__file__).resolve().parents[3] / "plugins" / "modules"
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def module_named(name: str) -> ModuleType:
    return import_module(f"{PACKAGE}.modules.{name}")


def spec_of(module: ModuleType) -> dict[str, Any]:
    spec: dict[str, Any] = vars(module).get("ARGUMENT_SPEC") or vars(module)["TENANT_OPTIONS"]
    return spec


def documented_options(module: ModuleType) -> dict[str, Any]:
    documentation = yaml.safe_load(module.DOCUMENTATION)
    options = dict(documentation.get("options") or {})
    for fragment in documentation["extends_documentation_fragment"]:
        name, _dot, variant = fragment.removeprefix("nendo.apple_mdm.").partition(".")
        documents = import_module(f"{PACKAGE}.doc_fragments.{name}").ModuleDocFragment
        options |= yaml.safe_load(getattr(documents, variant.upper() or "DOCUMENTATION")).get("options") or {}
    return options


def compared(options: dict[str, Any], nested: str) -> dict[str, Any]:
    """What documentation and argument spec have to agree on."""
    same = {"type": "str", "required": False, "default": None, "choices": None}
    return {
        name: {key: option.get(key, usual) for key, usual in same.items()}
        | {"options": compared(option[nested], nested) if nested in option else None}
        for name, option in options.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_every_option_is_documented_as_it_is(name: str) -> None:
    module = module_named(name)
    assert compared(documented_options(module), "suboptions") == compared(spec_of(module), "options")


@pytest.mark.parametrize("name", MODULES)
def test_examples_use_options_that_exist(name: str) -> None:
    module = module_named(name)
    examples = [example for example in yaml.safe_load(module.EXAMPLES) if f"nendo.apple_mdm.{name}" in example]
    assert examples
    required = {option for option, spec in spec_of(module).items() if spec.get("required")}
    for example in examples:
        given = example[f"nendo.apple_mdm.{name}"]
        assert required <= set(given) <= set(spec_of(module))
