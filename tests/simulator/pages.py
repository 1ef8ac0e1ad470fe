# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTML for the pages that people and browsers use."""

from __future__ import annotations

import html

from starlette.responses import HTMLResponse

STYLE = (
    "body{font:16px sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border-bottom:1px solid #ccc;padding:.4rem .8rem;text-align:left}"
    "form{display:inline}label{display:block;margin:.6rem 0}.error{color:#b00}.note{color:#666;font-size:.8rem}"
    "button,[role=button]{font:inherit;font-size:.9rem;padding:.2rem .7rem;border:1px solid #bbb;border-radius:4px;"
    "background:#f6f6f6;color:#222;text-decoration:none;cursor:pointer}"
    "nav{position:absolute;top:1rem;right:2rem}[role=menu]{position:absolute;right:0;background:#fff;white-space:nowrap;"
    "border:1px solid #ccc;padding:.4rem 1rem}[role=menuitem]{display:block;padding:.2rem 0}"
    "dialog{border:1px solid #bbb;border-radius:8px;padding:1rem 1.5rem;max-width:44rem}dialog h2{font-size:1.1rem}"
)


def escaped(text: object) -> str:
    return html.escape(str(text))


def page(title: str, body: str, status: int = 200, lang: str = "en") -> HTMLResponse:
    banner = '<p class="note">Simulator of nendo.apple_mdm. Nothing here is Apple\'s.</p>'
    return HTMLResponse(
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"><title>{escaped(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escaped(title)}</h1>{body}{banner}</body></html>",
        status_code=status,
    )


def refusal(title: str, reason: str, back: str, status: int = 400) -> HTMLResponse:
    return page(title, f'<p class="error">{escaped(reason)}</p><p><a href="{escaped(back)}">Back</a></p>', status)


def button(label: str, action: str, **fields: str) -> str:
    """A form of one button."""
    hidden = "".join(
        f'<input type="hidden" name="{escaped(key)}" value="{escaped(value)}">' for key, value in fields.items()
    )
    return f'<form method="post" action="{escaped(action)}">{hidden}<button>{escaped(label)}</button></form>'


def popup(name: str, title: str, body: str, close: str) -> str:
    """A dialog that opener(name) opens."""
    return (
        f'<dialog id="{escaped(name)}" aria-labelledby="{escaped(name)}-title">'
        f'<h2 id="{escaped(name)}-title">{escaped(title)}</h2>{body}'
        f"<p><button onclick=\"this.closest('dialog').close()\">{escaped(close)}</button></p></dialog>"
    )


def opener(name: str, label: str) -> str:
    shows = f"document.getElementById('{escaped(name)}').showModal()"
    return f'<button type="button" onclick="{shows}">{escaped(label)}</button>'


def menu(label: str, items: dict[str, str]) -> str:
    """A button that opens a menu of links: label to address."""
    links = "".join(f'<a role="menuitem" href="{escaped(link)}">{escaped(text)}</a>' for text, link in items.items())
    toggles = (
        "const menu=this.nextElementSibling;menu.hidden=!menu.hidden;this.setAttribute('aria-expanded',!menu.hidden)"
    )
    return (
        f'<button type="button" aria-haspopup="menu" aria-expanded="false" onclick="{toggles}">{escaped(label)}</button>'
        f'<div role="menu" hidden>{links}</div>'
    )


def table(headings: list[str], rows: list[list[str]]) -> str:
    """Headings are escaped, cells are HTML already."""
    head = "".join(f"<th>{escaped(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
