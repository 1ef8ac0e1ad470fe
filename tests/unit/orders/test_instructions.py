# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hand-off's pages: what they must say, and that no data breaks out of them."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.instructions import (
    Handoff,
    Refused,
    instructions,
    portal_note,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.model import CREDENTIALS
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.wording import WORDING
from hypothesis import given, settings
from hypothesis import strategies as st

JST = timezone(timedelta(hours=9), "JST")
NOW = datetime(2026, 11, 23, 17, 55, tzinfo=JST)
UID = "com.apple.mgmt.External.6f1f9a52-0d0a-4a8e-9b0e-9c8f8f0f5a21"
FOLDER = "/srv/orders/school-a/push_certificate-2026-11-23"
PUSH = Handoff(
    tenant="市立ひばり中学校",
    credential="push_certificate",
    order_id="push_certificate-2026-11-23",
    now=NOW,
    apple_account="mdm@school.example",
    identity=UID,
    not_after=datetime(2026, 12, 1, 9, 30, tzinfo=JST),
    request_file=f"{FOLDER}/upload_to_apple.txt",
    note="hibari 8f0f5a21 20261123",
    inbox_place=f"{FOLDER}/inbox",
)
SERVER = replace(PUSH, credential="server_token", identity="Hibari MDM", request_file="public_key.pem")
CONTENT = replace(PUSH, credential="content_token", identity="ひばり中学校", request_file=None)
NAMES = {"instructions.en.html", "instructions.en.txt", "instructions.ja.html", "instructions.ja.txt"}


class Elements(HTMLParser):
    """The page's elements with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def pages(handoff: Handoff) -> dict[str, str]:
    return {name: data.decode() for name, data in instructions(handoff).items()}


@pytest.mark.parametrize("handoff", [PUSH, SERVER, CONTENT], ids=CREDENTIALS)
def test_every_page_names_what_matters(handoff: Handoff) -> None:
    told = pages(handoff)
    assert set(told) == NAMES
    for name, page in told.items():
        text = Elements(page).text if name.endswith("html") else page
        for fact in (handoff.tenant, str(handoff.identity), "mdm@school.example", f"{FOLDER}/inbox", handoff.order_id):
            assert fact in text, (name, fact)
        assert ("2026年12月1日" if ".ja." in name else "1 December 2026") in text
        assert (handoff.request_file or "") in text
        assert "{" not in text.partition("</style>")[2] + text.partition("}\n}\n")[2]
    assert '<html lang="ja">' in told["instructions.ja.html"]
    assert '<meta charset="utf-8">' in told["instructions.en.html"]


@pytest.mark.parametrize(
    ("handoff", "in_turn"),
    [
        (
            PUSH,
            [
                "https://identity.apple.com/pushcert",
                "Get Started",
                UID,
                "Renew",
                "Notes",
                "Upload",
                "Download",
                "inbox",
            ],
        ),
        (
            SERVER,
            ["https://school.apple.com", "Preferences", "Hibari", "public_key.pem", "Save", "Download Server", "inbox"],
        ),
        (
            CONTENT,
            ["https://school.apple.com", "Preferences", "Payments and Billing", "Content Tokens", "Download", "inbox"],
        ),
    ],
    ids=CREDENTIALS,
)
def test_the_steps_come_in_the_portals_order(handoff: Handoff, in_turn: list[str]) -> None:
    for text in (pages(handoff)["instructions.en.txt"], Elements(pages(handoff)["instructions.en.html"]).text):
        rest = text.partition("What to do\n")[2]
        for word in in_turn:
            assert word in rest, word
            rest = rest.partition(word)[2]


def test_renew_and_not_create() -> None:
    for name, page in pages(PUSH).items():
        assert "Create a Certificate" in page, name
        assert page.index("Create a Certificate") < page.index("Get Started")


def test_nobody_guesses_an_account_for_a_push_certificate() -> None:
    for page in pages(replace(PUSH, apple_account=None, account_variable="push_apple_account")).values():
        assert "push_apple_account" in page
        assert "Get Started" not in page
        assert "checkbox" not in page
        assert "[ ]" not in page
    assert (
        "Administrator or Device Enrolment Manager" in pages(replace(SERVER, apple_account=None))["instructions.en.txt"]
    )


def test_without_an_inbox_the_file_goes_into_a_variable() -> None:
    for page in pages(replace(PUSH, inbox_place=None, answer_variable="push_answer")).values():
        assert "push_answer" in page
        assert "inbox" not in page
        assert 'href="upload' not in page


def test_a_wrong_file_is_told() -> None:
    wrong = Refused(
        "request (1).pem", {"en": "This is a request.", "ja": "CSR です。"}, {"en": "Take x.", "ja": "x です。"}
    )
    told = pages(replace(PUSH, refused=(wrong,)))
    for name, page in told.items():
        language = name.split(".")[1]
        for sentence in ("request (1).pem", wrong.reason[language], wrong.cure[language]):
            assert sentence in page


@pytest.mark.parametrize(
    ("days", "english", "japanese"),
    [
        (30, "30 days left", "残り30日"),
        (1, "1 day left", "残り1日"),
        (0, "less than one day", "24時間未満"),
        (-3, "ended", "期限切れ"),
    ],
)
def test_days_left(days: int, english: str, japanese: str) -> None:
    told = pages(replace(PUSH, not_after=NOW + timedelta(days=days, hours=1)))
    assert english in told["instructions.en.html"]
    assert japanese in told["instructions.ja.txt"]


def test_other_addresses_and_portals() -> None:
    told = pages(replace(SERVER, portal_kind="business"))["instructions.en.html"]
    assert "https://business.apple.com" in told
    assert "Apple Business Manager" in told
    assert (
        "http://127.0.0.1:8000/x"
        in pages(replace(SERVER, portal_url="http://127.0.0.1:8000/x"))["instructions.ja.html"]
    )
    assert "javascript" not in pages(replace(PUSH, push_portal_url="javascript:alert(1)"))["instructions.ja.html"]


def test_nothing_is_fetched_from_elsewhere() -> None:
    for name, page in pages(PUSH).items():
        if name.endswith("html"):
            tags = {tag for tag, _attributes in Elements(page).elements}
            assert not tags & {"script", "img", "link", "iframe", "object", "form", "svg"}
            assert "@import" not in page
            assert "url(" not in page


@settings(max_examples=60, deadline=None)
@given(
    st.text() | st.text(alphabet="<>&\"'{}%`$ \n\r\0\x1b" + string.ascii_letters),
    st.sampled_from([PUSH, SERVER, CONTENT]),
)
def test_no_data_breaks_out(text: str, handoff: Handoff) -> None:
    """Whatever the data are, the page has the same elements; only links beside the page differ."""
    text = f"x{text}"
    wrong = Refused(text, {"en": text, "ja": text}, {"en": text, "ja": text})
    fields = ("tenant", "apple_account", "identity", "note", "order_id", "answer_variable")
    tame_data: dict[str, Any] = dict.fromkeys(fields, "x")
    wild_data: dict[str, Any] = dict.fromkeys(fields, text)
    tame = pages(replace(handoff, **tame_data, refused=(replace(wrong, name="x"),)))
    wild = pages(replace(handoff, **wild_data, refused=(wrong,)))
    for language in WORDING:
        page = f"instructions.{language}.html"
        assert Elements(wild[page]).elements == Elements(tame[page]).elements
    printed = wild["instructions.en.txt"]
    assert printed.count("\n") == tame["instructions.en.txt"].count("\n")
    assert "\x1b" not in printed


@given(st.text(), st.text())
def test_the_note_has_only_what_the_portal_takes(tenant: str, topic: str) -> None:
    note = portal_note(tenant, topic, "push_certificate-2026-11-23-2")
    assert set(note) <= set(string.ascii_letters + string.digits + " ")
    assert note.endswith("20261123") or len(note) == 60


def test_a_note() -> None:
    assert portal_note("hibari-jhs (市立)", UID, "push_certificate-2026-11-23") == "hibari jhs 8f0f5a21 20261123"


def shape(value: object) -> object:
    """Keys, numbers of lines, and the names and marks within them."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [shape(part) for part in value]
    names = sorted(name for _text, name, _form, _conversion in string.Formatter().parse(str(value)) if name)
    return names, [tag for tag, _attributes in Elements(str(value)).elements if tag != "b"]


def test_both_languages_say_the_same() -> None:
    english, japanese = (dict(WORDING[language]) for language in ("en", "ja"))
    for words in (english, japanese):
        words.pop("left")
    assert shape(english) == shape(japanese)
