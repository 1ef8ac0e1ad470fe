# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page that tells a person the hand-off's steps: HTML and text, English and Japanese, from plain data."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

try:
    from jinja2 import Environment
    from markupsafe import Markup
except ImportError:
    pass

from .._libraries import require
from .._time import whole_days
from .wording import WORDING

__all__ = ["Handoff", "Refused", "instructions", "portal_note"]

PUSH_PORTAL = "https://identity.apple.com/pushcert"
PORTALS = {"business": "https://business.apple.com", "school": "https://school.apple.com"}
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True)
class Refused:
    """A file that was judged and not taken. reason, cure: {"en": …, "ja": …}, a verdict's own."""

    name: str
    reason: Mapping[str, str]
    cure: Mapping[str, str]


@dataclass(frozen=True)
class Handoff:
    """What a person has to do for one order, as data.

    apple_account: None where nobody told us; a push certificate's page then shows how to find it out, and no steps.
    identity: the push certificate's UID; the name of the MDM server in the portal; the content token's location.
    not_after: aware, in the time zone of those who read; None where it is not known.
    request_file: what is uploaded to the portal: a path, or a file name; None where nothing is.
    inbox_place: the folder that the downloaded file goes to; None: into the field or variable answer_variable.
    push_portal_url, portal_url: other addresses than Apple's.
    """

    tenant: str
    credential: str
    order_id: str
    now: datetime
    apple_account: str | None = None
    identity: str | None = None
    not_after: datetime | None = None
    request_file: str | None = None
    note: str = ""
    inbox_place: str | None = None
    answer_variable: str = ""
    account_variable: str = "apple_account"
    portal_kind: str = "school"
    push_portal_url: str = PUSH_PORTAL
    portal_url: str | None = None
    refused: tuple[Refused, ...] = ()

    @property
    def blocked(self) -> bool:
        """A push certificate is renewed with the account that made it, or not at all: nobody shall guess."""
        return self.credential == "push_certificate" and not self.apple_account

    @property
    def days_left(self) -> int | None:
        return whole_days(self.not_after, self.now) if self.not_after else None


def portal_note(tenant: str, topic: str, order_id: str) -> str:
    """What tells the portal's rows apart; only letters, digits and blanks, as the portal wants it."""
    words = (tenant, topic[-8:], re.sub(r"\D", "", order_id)[:8])
    plain = (re.sub(r"[^A-Za-z0-9]+", " ", word).strip() for word in words)
    return " ".join(word for word in plain if word)[:60]


def instructions(handoff: Handoff) -> dict[str, bytes]:
    """File names and contents. Whatever stands in the data, it stays text."""
    require("jinja2")
    files = {}
    html = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_HTML)
    text = Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True).from_string(_TEXT)
    for language in WORDING:
        files[f"instructions.{language}.html"] = html.render(_page(handoff, language, _Html())).encode()
        files[f"instructions.{language}.txt"] = text.render(_page(handoff, language, _Text(language))).encode()
    return files


class _Html:
    """Sentences as markup: what is filled in is escaped, and can be code or a link."""

    def say(self, sentence: str, values: Mapping[str, Any]) -> Markup:
        return Markup(sentence).format(**values)

    def code(self, value: str) -> Markup:
        return Markup("<code>{}</code>").format(value)

    def file(self, value: str, href: str) -> Markup:
        return Markup('<a href="{}"><code>{}</code></a>').format(href, value)


class _Text:
    """The same sentences as plain text."""

    def __init__(self, language: str) -> None:
        self._button = r"「\1」" if language == "ja" else r" [\1] "

    def say(self, sentence: str, values: Mapping[str, Any]) -> str:
        marked = re.sub(r" ?<b>(.*?)</b> ?", self._button, sentence)
        tidy = re.sub(r" +([,.:;])", r"\1", marked)
        return re.sub(r"<[^>]*>", "", tidy).strip().format(**values)

    def code(self, value: str) -> str:
        return value

    def file(self, value: str, href: str) -> str:
        return value


def _page(handoff: Handoff, language: str, form: _Html | _Text) -> dict[str, Any]:
    """Everything that the templates show, in the language and form that is wanted."""
    words, kind = WORDING[language], handoff.credential
    values = _values(handoff, language, form)

    def say(sentence: str) -> Any:
        return form.say(sentence, values)

    hand_in = words["hand_in"]["inbox" if handoff.inbox_place else "variable"]
    steps = [say(step) for step in words["steps"][kind] if handoff.request_file or "{request}" not in step]
    over = handoff.days_left is not None and handoff.days_left < 0
    time = [say(words["time"]["over" if over else "ahead"])] if handoff.not_after else []
    alarm_title, alarm_text = words["alarm"][kind]
    unknown = words["unknown"]
    return {
        "language": language,
        "other": next(other for other in WORDING if other != language),
        "words": words,
        "title": say(words["title"][kind]),
        "why": say(words["why"][kind]),
        "facts": _facts(handoff, language, values),
        "alarm_title": say(alarm_title),
        "alarm_text": say(alarm_text),
        "blocked": handoff.blocked,
        "ways": [say(way) for way in unknown["ways"]],
        "then": say(unknown["then"]),
        "steps": [] if handoff.blocked else [*steps, say(hand_in)],
        "trouble": [say(line) for line in words["trouble"][kind] if handoff.request_file or "{request}" not in line],
        "safe": [*time, *(say(line) for line in words["safe"][kind])],
        "refused": [
            {"name": _plain(file.name), "reason": _plain(file.reason[language]), "cure": _plain(file.cure[language])}
            for file in handoff.refused
        ],
        "next": say(words["next"]),
        "kept": say(words["kept"]),
    }


def _values(handoff: Handoff, language: str, form: _Html | _Text) -> dict[str, Any]:
    """What the sentences' names stand for."""
    words, kind = WORDING[language], handoff.credential
    push = kind == "push_certificate"

    def code(value: str | None, otherwise: str = "") -> Any:
        return form.code(_plain(value)) if value else otherwise

    def place(path: str | None, end: str = "") -> Any:
        """A link where the page lies beside what it names: in the folder of an order."""
        href = quote(posixpath.basename(_plain(path or ""))) + end
        return form.file(_plain(path), href) if path and handoff.inbox_place else code(path)

    return {
        "tenant": _plain(handoff.tenant),
        "order": code(handoff.order_id),
        "account": code(handoff.apple_account, words["roles"].get(kind, "")),
        "identity": code(handoff.identity, words["unknown_identity"][kind]),
        "date": _date(handoff.not_after, language) or words["unknown_date"],
        "request": place(handoff.request_file),
        "note": code(handoff.note),
        "inbox": place(handoff.inbox_place, "/"),
        "variable": code(handoff.answer_variable),
        "account_variable": code(handoff.account_variable),
        "portal": words[f"portal_{handoff.portal_kind}"],
        "url": _address(handoff.push_portal_url if push else handoff.portal_url or PORTALS[handoff.portal_kind]),
        "command": code(f"ansible-playbook nendo.apple_mdm.annual_renewal --limit {shlex.quote(handoff.tenant)}"),
    }


def _facts(handoff: Handoff, language: str, values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Label and value of what is known."""
    labels = WORDING[language]["labels"]
    left = _left(handoff.days_left, WORDING[language])
    rows = (
        (labels["tenant"], values["tenant"]),
        (labels["not_after"], f"{_moment(handoff.not_after, language)} {left}".strip()),
        (labels["account"], values["account"]),
        (labels[handoff.credential], values["identity"] if handoff.identity else ""),
        (labels["request"], values["request"]),
        (labels["note"], values["note"]),
        (labels["inbox"], values["inbox"]),
        (labels["variable"], "" if handoff.inbox_place else values["variable"]),
        (labels["order"], values["order"]),
    )
    return [row for row in rows if row[1]]


def _left(days: int | None, words: Mapping[str, Any]) -> str:
    if days is None:
        return ""
    key = "over" if days < 0 else "hours" if days == 0 else "one" if days == 1 else "many"
    return f"({words['left'][key].format(days=days)})"


def _date(moment: datetime | None, language: str) -> str:
    if moment is None:
        return ""
    if language == "ja":
        return f"{moment.year}年{moment.month}月{moment.day}日"
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def _moment(moment: datetime | None, language: str) -> str:
    """The date with its time, for the last day."""
    if moment is None:
        return ""
    gap = " " if language == "ja" else ", "
    return f"{_date(moment, language)}{gap}{moment:%H:%M} ({moment.tzname()})"


def _plain(value: str) -> str:
    """On one line, and with nothing that a terminal would act on."""
    return "".join(char if char.isprintable() else " " for char in value)


def _address(url: str) -> str:
    """A link that leads to a web page and nowhere else."""
    url = _plain(url)
    return url if urlsplit(url).scheme in ("https", "http") else ""


_HTML = """\
<!DOCTYPE html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ title }}</title>
<style>
:root { --ink: #1d2733; --dim: #5b6775; --line: #d5dbe2; --red: #b3261e; --blue: #0b57a4; --sheet: #fff }
* { box-sizing: border-box }
body { margin: 0; background: #eef1f5; color: var(--ink); font: 17px/1.7 -apple-system, "Hiragino Sans",
  "Yu Gothic UI", Meiryo, "Segoe UI", "Noto Sans CJK JP", sans-serif }
main { max-width: 50rem; margin: 1.5rem auto; padding: 2rem 2.5rem; background: var(--sheet); border-radius: 12px;
  box-shadow: 0 1px 4px #0002 }
h1 { margin: 0 0 .5rem; font-size: 1.6rem; line-height: 1.35 }
h2 { margin: 2rem 0 .5rem; font-size: 1.15rem; border-bottom: 2px solid var(--line) }
a { color: var(--blue); overflow-wrap: anywhere }
code { font: .92em/1.5 ui-monospace, Menlo, Consolas, monospace; background: #f0f3f6; border: 1px solid var(--line);
  border-radius: 4px; padding: .05em .35em; overflow-wrap: anywhere; user-select: all }
b { background: #e6effa; border-radius: 4px; padding: 0 .3em }
table { width: 100%; border-collapse: collapse }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line) }
th { width: 34%; font-weight: 600; color: var(--dim) }
ol.steps { list-style: none; counter-reset: step; padding: 0 }
ol.steps li { counter-increment: step; margin: .6rem 0; border: 1px solid var(--line); border-radius: 8px }
ol.steps label { display: grid; grid-template-columns: 1.4rem 1.6rem 1fr; gap: .5rem; padding: .7rem .9rem }
ol.steps label::before { content: counter(step) "."; order: 2; font-weight: 700; color: var(--blue) }
ol.steps input { order: 1; width: 1.15rem; height: 1.15rem; margin: .35rem 0 0 }
ol.steps span { order: 3; min-width: 0 }
ol.steps li:has(:checked) { background: #f2f8f2; color: var(--dim) }
.box { margin: 1.2rem 0; padding: .8rem 1.1rem; border: 3px solid var(--red); border-radius: 8px; background: #fdf1f0 }
.box strong { display: block; color: var(--red); font-size: 1.15rem }
.box p { margin: .3rem 0 }
.other { float: right; font-size: .9rem }
footer { margin-top: 2rem; color: var(--dim); font-size: .88rem }
@media print {
  body { background: none; font-size: 11pt }
  main { margin: 0; padding: 0; max-width: none; box-shadow: none }
  li, .box, tr { break-inside: avoid }
  .other { display: none }
}
</style>
</head>
<body>
<main>
<a class="other" lang="{{ other }}" href="instructions.{{ other }}.html">{{ words.other_language }}</a>
<h1>{{ title }}</h1>
<p>{{ why }}</p>
{% if refused %}
<section class="box">
<strong>{{ words.headings.refused }}</strong>
{% for file in refused %}
<p><code>{{ file.name }}</code>: {{ file.reason }}<br>{{ words.cure }} {{ file.cure }}</p>
{% endfor %}
<p>{{ words.refused_stays }}</p>
</section>
{% endif %}
<section class="box" role="alert">
<strong>{{ alarm_title }}</strong>
<p>{{ alarm_text }}</p>
</section>
<h2>{{ words.headings.facts }}</h2>
<table>
{% for label, value in facts %}
<tr><th scope="row">{{ label }}</th><td>{{ value }}</td></tr>
{% endfor %}
</table>
{% if blocked %}
<section class="box">
<strong>{{ words.unknown.title }}</strong>
<p>{{ words.unknown.intro }}</p>
<ul>
{% for way in ways %}
<li>{{ way }}</li>
{% endfor %}
</ul>
<p>{{ then }}</p>
</section>
{% else %}
<h2>{{ words.headings.steps }}</h2>
<ol class="steps">
{% for step in steps %}
<li><label><input type="checkbox"><span>{{ step }}</span></label></li>
{% endfor %}
</ol>
<h2>{{ words.headings.trouble }}</h2>
<ul>
{% for line in trouble %}
<li>{{ line }}</li>
{% endfor %}
</ul>
{% endif %}
<h2>{{ words.headings.safe }}</h2>
<ul>
{% for line in safe %}
<li>{{ line }}</li>
{% endfor %}
</ul>
{% if not blocked %}
<h2>{{ words.headings.next }}</h2>
<p>{{ next }}</p>
{% endif %}
<footer>{{ kept }}</footer>
</main>
</body>
</html>
"""

_TEXT = """\
{{ title }}
{{ "=" * 70 }}

{{ why }}

{% if refused %}
!! {{ words.headings.refused }}
{% for file in refused %}
   {{ file.name }}: {{ file.reason }}
   {{ words.cure }} {{ file.cure }}
{% endfor %}
   {{ words.refused_stays }}

{% endif %}
!! {{ alarm_title }}
   {{ alarm_text }}

{{ words.headings.facts }}
{{ "-" * 70 }}
{% for label, value in facts %}
{{ label }}: {{ value }}
{% endfor %}

{% if blocked %}
!! {{ words.unknown.title }}
   {{ words.unknown.intro }}
{% for way in ways %}
   - {{ way }}
{% endfor %}
   {{ then }}
{% else %}
{{ words.headings.steps }}
{{ "-" * 70 }}
{% for step in steps %}
[ ] {{ loop.index }}. {{ step }}
{% endfor %}

{{ words.headings.trouble }}
{{ "-" * 70 }}
{% for line in trouble %}
- {{ line }}
{% endfor %}
{% endif %}

{{ words.headings.safe }}
{{ "-" * 70 }}
{% for line in safe %}
- {{ line }}
{% endfor %}
{% if not blocked %}

{{ words.headings.next }}
{{ "-" * 70 }}
{{ next }}
{% endif %}

{{ kept }}
"""
