# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a page is asked in its own language, and which inputs there are. Nothing here presses or fills in anything; lists are scrolled."""

from __future__ import annotations

__all__ = [
    "BELONGING",
    "BESIDE",
    "BRANCHES",
    "CHOICES",
    "FILE_INPUT",
    "INNERMOST",
    "INPUT_BESIDE",
    "LINES",
    "LIST_ITEMS",
    "NEW_LINE",
    "ONLY",
    "ON_TOP",
    "OWN_LABEL",
    "QUIET",
    "REACHED",
    "ROW",
    "SCROLL",
    "STILL",
    "TABLE",
    "TEXT_INPUTS",
    "TICKS",
    "VALUE",
]

# The innermost of elements that lie in one another, as indices.
INNERMOST = "els => els.map((e, i) => els.some(o => o !== e && e.contains(o)) ? -1 : i).filter(i => i >= 0)"

# The same, and how many elements there are.
ONLY = f"els => [({INNERMOST})(els), els.length]"

# Whether a click on its middle would reach the element as it stands now.
REACHED = """e => {
  const r = e.getBoundingClientRect(), top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
  return !!top && e.contains(top);
}"""

# Which of the elements belong to one of the anchors: those with the smallest box around both; where that is the same for
# all, as in a flat tree, those that follow an anchor before the next entry of its level.
BELONGING = """(els, anchors) => {
  const depth = node => { let d = 0; while ((node = node.parentElement)) d++; return d; };
  const near = e => Math.max(...anchors.map(a => { let p = a; while (p && !p.contains(e)) p = p.parentElement; return p ? depth(p) : -1; }));
  const all = els.map(near), best = Math.max(...all);
  const close = els.map((e, i) => i).filter(i => all[i] === best);
  if (close.length < 2) return close;
  const item = e => e.closest('[aria-level]'), level = e => Number(e.getAttribute('aria-level'));
  const items = [...document.querySelectorAll('[aria-level]')];
  return close.filter(i => anchors.some(a => {
    const head = item(a), mine = item(els[i]);
    if (!head || !mine || level(mine) <= level(head)) return false;
    const from = items.indexOf(head), to = items.indexOf(mine);
    return to > from && items.slice(from + 1, to + 1).every(x => level(x) > level(head));
  }));
}"""

# The window that is really on top: its middle is not covered by another one.
ON_TOP = """els => {
  const shown = els.map((e, i) => { const r = e.getBoundingClientRect();
    const top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2); return top && e.contains(top) ? i : -1; });
  const open = shown.filter(i => i >= 0), inner = open.filter(i => !open.some(o => o !== i && els[i].contains(els[o])));
  return inner.length === 1 ? inner[0] : els.length - 1;
}"""

# What stands beside a caption: the matches in what a person reads next, in the smallest box around the caption that says
# more than it does. Words that only announce the value are skipped; other words, or another caption, end the search.
BESIDE = """(el, [source, others]) => {
  const plain = text => text.trim().replace(/[:\uff1a]$/, '').trim();
  const own = plain(el.innerText || ''), matches = text => [...new Set(text.match(new RegExp(source, 'g')) || [])];
  if (matches(own).length) return {found: matches(own), seen: own};
  for (let p = el; p && p !== document.documentElement; p = p.parentElement) {
    const lines = (p.innerText || '').split(/[\\n\\t]/).map(plain).filter(l => l);
    if (lines.some(l => others.includes(l))) break;
    const after = lines.slice(lines.findIndex(l => l.startsWith(own)) + 1);
    const rest = (lines.find(l => l.startsWith(own)) || '').slice(own.length);
    const inputs = [...p.querySelectorAll('input:not([type=password]),textarea')].map(i => plain(i.value));
    const next = [rest, ...after, ...inputs].filter(l => /[\\p{L}\\p{N}]/u.test(l) && !/^(有効)?期限$/.test(l));
    if (next.length) return {found: matches(next[0]), seen: next[0]};
  }
  return {found: [], seen: ''};
}"""

# All that stands beside a caption, up to the next caption; empty where nothing does.
VALUE = """(el, others) => {
  const plain = text => text.trim().replace(/[:\uff1a]$/, '').trim(), own = plain(el.innerText || '');
  for (let p = el.parentElement; p && p !== document.documentElement; p = p.parentElement) {
    const lines = (p.innerText || '').split(/[\\n\\t]/).map(plain).filter(l => l);
    if (lines.some(l => others.includes(l))) return '';
    const inputs = [...p.querySelectorAll('input:not([type=password]),textarea')].map(i => plain(i.value));
    const rest = [...lines.slice(lines.indexOf(own) + 1), ...inputs].filter(l => l);
    if (rest.length) return rest.join(' ');
  }
  return '';
}"""

# The input that belongs to a caption which is not tied to it: the only one in the smallest box around both.
INPUT_BESIDE = """(el, wanted) => {
  const shown = i => { const r = i.getBoundingClientRect(); return r.width > 0 && r.height > 0; };
  for (let p = el; p; p = p.parentElement) {
    const found = [...p.querySelectorAll(wanted)].filter(shown);
    if (found.length) return found.length === 1 ? found[0] : null;
  }
  return null;
}"""
TEXT_INPUTS = "input:not([type=file]):not([type=checkbox]):not([type=radio]):not([type=submit]):not([type=button]):not([type=hidden]),textarea"
TICKS = "input[type=checkbox],[role=checkbox]"

# The file input behind a button: the button itself, in it, or laid over it.
FILE_INPUT = """el => {
  if (el.matches('input[type=file]')) return el;
  const inside = el.querySelector('input[type=file]');
  if (inside) return inside;
  const r = el.getBoundingClientRect(), top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
  return top && top.matches('input[type=file]') ? top : null;
}"""

# The row of a list that an element stands in.
ROW = """els => els.map(el => {
  let row = el.closest('[role=row],tr,[role=listitem],li');
  for (let p = el; !row && p; p = p.parentElement) if ((p.innerText || '').trim() !== (el.innerText || '').trim()) row = p;
  return ((row || el).innerText || '').trim().split(/\\s+/).join(' ');
})"""

# Whether the page's text has not changed for so many milliseconds.
QUIET = """quiet => {
  const text = document.body ? document.body.innerText : '', now = performance.now(), last = window.__nendo;
  if (!last || last.text !== text) window.__nendo = {text, since: now};
  return now - window.__nendo.since > quiet;
}"""

# Whether what lies over an input is its own label, such as a text that says what to choose.
OWN_LABEL = """e => {
  const r = e.getBoundingClientRect(), top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
  const label = top && top.closest('label');
  return !!label && label.control === e && !e.disabled && e.getAttribute('aria-disabled') !== 'true';
}"""

# The lines of text that show.
LINES = "() => (document.body.innerText || '').split('\\n').map(line => line.trim()).filter(line => line)"

# The first line that was not there before and says one of the words; or that a window opened.
NEW_LINE = """({groups, ignored, before, windows}) => {
  const lines = (document.body.innerText || '').split('\\n').map(line => line.trim()).filter(line => line);
  const left = {...before};
  const fresh = lines.filter(line => !(left[line] > 0 && left[line]--));
  for (const [key, sources] of groups) for (const line of fresh)
    if (sources.some(s => new RegExp(s, 'i').test(line)) && !ignored.some(s => new RegExp(s, 'i').test(line))) return {key, line};
  const open = [...document.querySelectorAll('[role=dialog],[role=alertdialog]')].filter(e => e.getClientRects().length);
  return open.length > windows ? {key: 'window', line: ''} : false;
}"""

# Waits until the text has kept still for so many milliseconds and nothing says that it loads, but no shorter and no longer than
# given. Tells for how many seconds the text has kept still, and whether something says that it loads. anew: it counts from now.
# The text is read again only after the page has changed.
STILL = """([loading, anew, quiet, least, most]) => new Promise(done => {
  const says = new RegExp(loading, 'i'), read = () => document.body ? document.body.innerText : '', begun = performance.now();
  if (anew || !window.__nendo_still) window.__nendo_still = {text: read(), since: begun};
  const last = window.__nendo_still, observer = new MutationObserver(() => { changed = true; });
  let changed = true, loads = true;
  observer.observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
  const look = () => {
    const now = performance.now();
    if (changed) {
      const text = read();
      if (text !== last.text) Object.assign(last, {text, since: now});
      [changed, loads] = [false, says.test(text)];
    }
    const spent = now - begun;
    if (spent < least || ((loads || now - last.since < quiet) && spent < most)) return setTimeout(look, 10);
    observer.disconnect();
    done({still: (now - last.since) / 1000, loads});
  };
  look();
})"""

# What a table shows: its columns, the rows that are in the page with their places, and whether these fill what is in view.
TABLE = """grid => {
  const text = e => (e.innerText || '').trim().split(/\\s+/).join(' ');
  const isTicked = e => !!e && (e.getAttribute('aria-checked') === 'true' || e.checked === true);
  const isStruck = r => [r, ...r.querySelectorAll('*')].some(e => getComputedStyle(e).textDecorationLine.includes('line-through'));
  const heads = [...grid.querySelectorAll('[role=columnheader],th')].map(text);
  const all = [...grid.querySelectorAll('[role=row],tr')].filter(r => r.querySelector('[role=gridcell],td'));
  const placed = all.map((r, i) => ({r, place: Number(r.getAttribute('aria-rowindex') || i + 2) - 2})).sort((a, b) => a.place - b.place);
  const total = grid.hasAttribute('aria-rowcount') ? Number(grid.getAttribute('aria-rowcount')) - 1 : all.length;
  const scrolls = [...grid.querySelectorAll('*')].find(e => e.scrollHeight > e.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(e).overflowY));
  const view = (scrolls || grid).getBoundingClientRect(), first = placed[0], last = placed[placed.length - 1];
  const whole = placed.every((one, i) => one.place === first.place + i);
  const fills = total < 1 || (!!first && whole && (first.place === 0 || first.r.getBoundingClientRect().top <= view.top + 1)
    && (last.place >= total - 1 || last.r.getBoundingClientRect().bottom >= view.bottom - 1));
  return {heads, total, drawn: fills, places: placed.map(one => one.place), rows: placed.map(({r}) => ({
    cells: [...r.querySelectorAll('[role=gridcell],td')].map(text), ticked: isTicked(r.querySelector('[role=checkbox],input[type=checkbox]')),
    selected: r.getAttribute('aria-selected') === 'true', struck: isStruck(r)}))};
}"""

# A list is scrolled to its top (0) or on by this part of what is in view. end: it cannot be scrolled further.
SCROLL = """(list, part) => {
  const scrolls = [list, ...list.querySelectorAll('*')].find(e => e.scrollHeight > e.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(e).overflowY));
  if (!scrolls) return {end: true};
  if (part === 0) { scrolls.scrollTop = 0; return {end: false}; }
  const end = scrolls.scrollTop + scrolls.clientHeight >= scrolls.scrollHeight - 1;
  if (!end) scrolls.scrollTop += scrolls.clientHeight * part;
  return {end};
}"""

# The entries of a list that are in the page: their places and their texts.
LIST_ITEMS = """list => {
  const items = [...list.querySelectorAll('[role=listitem],li')].filter(e => e.getClientRects().length);
  const parts = e => { const inner = [...e.children].filter(c => (c.innerText || '').trim());
    return (inner.length ? inner : [e]).map(c => (c.innerText || '').trim().split(/\\s+/).join(' ')); };
  const sizes = items.map(e => Number(e.getAttribute('aria-setsize') || items.length));
  return {size: sizes.length ? Math.max(...sizes) : 0,
    items: items.map((e, i) => [Number(e.getAttribute('aria-posinset') || i + 1), parts(e)])};
}"""

# The boxes that may be ticked, by name.
CHOICES = """boxes => boxes.map(e => {
  const named = (e.getAttribute('aria-labelledby') || '').split(' ').map(id => document.getElementById(id)).filter(n => n);
  const labels = named.length ? named : [...(e.labels || [])];
  const name = e.getAttribute('aria-label') || labels.map(n => n.innerText || '').join(' ');
  return [name.trim().split(/\\s+/).join(' '), e.getAttribute('aria-checked') === 'true' || e.checked === true];
})"""

# The entries of a tree, with their levels.
BRANCHES = """tree => [...tree.querySelectorAll('[role=treeitem]')].filter(e => e.getClientRects().length).map(e => {
  const words = [...e.children].filter(c => c.getAttribute('aria-hidden') !== 'true').map(c => c.innerText || '').join(' ') || e.innerText;
  return [Number(e.getAttribute('aria-level') || 1), words.trim().split(/\\s+/).join(' ')];
})"""
