# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import importlib.util
import re
import string
from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials import files, reasons
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.verdicts import Text, refusal, verdict

ROOT = Path(__file__).resolve().parents[3]
SOURCES = [
    path.read_text(encoding="utf-8")
    for path in (ROOT / "plugins/module_utils").rglob("*.py")
    if path.name != "reasons.py"
]


@pytest.mark.parametrize(("code", "entry"), reasons.REASONS.items(), ids=reasons.REASONS.keys())
def test_every_reason_is_whole(code: str, entry: reasons.Reason) -> None:
    assert entry.credentials
    assert any(f'"{code}"' in source for source in SOURCES), "no code makes this verdict"
    for text in (entry.reason, entry.cure):
        assert _names(text.en) == _names(text.ja)
        assert text.en.endswith((".", "}"))
        assert text.ja.endswith(("。", "}"))
        assert re.search(r"[ぁ-んァ-ン]", text.ja)
    for credential in entry.credentials:
        found = verdict(code, credential)
        assert found.accepted == (code == "accepted")
        assert reasons.RIGHT_FILES[credential].ja in found.cure.ja or "{right_file}" not in entry.cure.ja


def test_enough_kinds_are_told_apart() -> None:
    for credential in ("push_certificate", "server_token", "content_token"):
        assert sum(credential in entry.credentials for entry in reasons.REASONS.values()) > 30


def test_no_two_reasons_say_the_same() -> None:
    for language in ("en", "ja"):
        said = [getattr(entry.reason, language) for entry in reasons.REASONS.values()]
        assert len(said) == len(set(said))


def test_every_kind_of_file_has_its_verdict() -> None:
    kinds = set(re.findall(r'"([a-z]+[0-9a-z_]*)"', Path(files.__file__).read_text(encoding="utf-8")))
    told = {kind for kind in kinds if kind.startswith(("is_", "truncated_"))}
    assert len(told) > 10 and told <= reasons.REASONS.keys()


@pytest.mark.parametrize(("language", "page"), [("en", "verdicts.md"), ("ja", "verdicts.ja.md")])
def test_the_page_is_as_generated(language: str, page: str) -> None:
    tool = importlib.util.spec_from_file_location("verdict_table", ROOT / "tools/verdict_table.py")
    assert tool and tool.loader
    module = importlib.util.module_from_spec(tool)
    tool.loader.exec_module(module)
    assert (ROOT / "docs" / page).read_text(encoding="utf-8") == module.table(language), "run tools/verdict_table.py"


def test_verdict_is_plain_data() -> None:
    found = verdict("same_as_in_use", "push_certificate", warnings=(Text("a", "b"),), date="2027-01-01", serial="0A")
    assert found.as_dict()["facts"] == {"date": "2027-01-01", "serial": "0A"}
    assert found.as_dict()["warnings"] == [{"en": "a", "ja": "b"}]
    assert set(found.as_dict()) == {"accepted", "code", "reason", "cure", "facts", "warnings"}
    error = refusal(found)
    assert str(error) == f"{found.reason.en} {found.cure.en}"
    assert error.details == {"verdict": found.as_dict()}


def test_a_fact_with_braces_stays_as_it_is() -> None:
    assert "{right_file}" in verdict("ca_certificate", "push_certificate", name="{right_file}").reason.en


def _names(template: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(template) if name}
