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
)


def escaped(text: object) -> str:
    return html.escape(str(text))


def page(title: str, body: str, status: int = 200) -> HTMLResponse:
    banner = '<p class="note">Simulator of nendo.apple_mdm. Nothing here is Apple\'s.</p>'
    return HTMLResponse(
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escaped(title)}</title>'
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


def table(headings: list[str], rows: list[list[str]]) -> str:
    """Headings are escaped, cells are HTML already."""
    head = "".join(f"<th>{escaped(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
