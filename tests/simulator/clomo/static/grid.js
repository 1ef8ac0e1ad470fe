// Copyright: nendo.apple_mdm contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// The buffered grid: only the rows in view, and two more on each side, are in the DOM; rows come from the server by pages.
"use strict";

// load(first, count) promises {rows, total}; a row has an id. ticks: {picked: Set of ids, all(): promised ids, changed(), survive: scrolling,
// by_place: what is ticked are places, label, label_all}. Told back: refresh(quiet) asks for the rows anew, redraw() only draws them.
Ext.grid = (title, columns, { load, delay, loading, handler = null, ticks = null }) => {
  const { el, mask, pause, press } = Ext;
  const ROW = 28;
  const PAGE = 100;
  const body = el("div", { kind: "gridview", class: "x-grid-view" });
  const space = el("div", { class: "x-grid-space" });
  const made = el("div", { kind: "grid", class: "x-grid", role: "grid", "aria-label": title });
  let total = 0;
  let pages = new Map();
  let turn = 0;
  let selected = null;
  let drawn = "";

  const box = (checked, label, toggle) =>
    el("div", { kind: "checkcolumn", class: "x-grid-check", role: "checkbox", tabindex: "0", "aria-checked": String(checked), "aria-label": label,
      ...press((event) => { event.stopPropagation(); toggle(); }) });
  const everything = ticks && box(false, ticks.label_all, async () => {
    const all = everything.getAttribute("aria-checked") !== "true";
    const numbers = all ? await ticks.all() : [];
    ticks.picked.clear();
    (numbers ?? []).forEach((number) => ticks.picked.add(number));
    changed();
  });
  const head = el("div", { class: "x-grid-head", role: "row", "aria-rowindex": "1" },
    ticks ? el("div", { class: "x-column-header x-grid-check-cell", role: "columnheader" }, everything) : null,
    columns.map((column) => el("div", { class: "x-column-header", role: "columnheader", style: `flex:${column.flex}` }, column.text)));

  function changed() {
    draw();
    ticks.changed();
  }

  function toggle(row) {
    if (!ticks.picked.delete(row.id)) ticks.picked.add(row.id);
    changed();
  }

  function range() {
    const first = Math.max(0, Math.floor(body.scrollTop / ROW) - 2);
    return [first, Math.min(total, first + Math.ceil(body.clientHeight / ROW) + 4)];
  }

  function rowAt(number) {
    return pages.get(Math.floor(number / PAGE))?.[number % PAGE];
  }

  async function fetchPage(page) {
    const mine = turn;
    pages.set(page, []);
    const unmask = mask(loading, made);
    const told = await load(page * PAGE, PAGE);
    await pause(delay);
    unmask();
    if (mine !== turn || !told) return;
    pages.set(page, told.rows);
    total = told.total;
    draw();
  }

  function draw() {
    const [first, last] = range();
    const rows = [];
    for (let number = first; number < last; number += 1) {
      if (!pages.has(Math.floor(number / PAGE))) fetchPage(Math.floor(number / PAGE));
      const row = rowAt(number);
      if (row) rows.push([number, row]);
    }
    space.style.height = `${total * ROW}px`;
    made.setAttribute("aria-rowcount", String(total + 1));
    if (ticks && !ticks.survive && rows.length === last - first) forgetUnseen(new Set(rows.map(([, row]) => row.id)));
    everything?.setAttribute("aria-checked", String(total > 0 && ticks.picked.size >= total));
    const now = JSON.stringify([selected, rows.map(([number, row]) => [number, row, ticks?.picked.has(row.id)])]);
    if (now === drawn) return;
    drawn = now;
    space.replaceChildren(...rows.map(([number, row]) => drawRow(number, row)));
  }

  function forgetUnseen(seen) {
    const lost = [...ticks.picked].filter((number) => !seen.has(number));
    lost.forEach((number) => ticks.picked.delete(number));
    if (lost.length) ticks.changed();
  }

  function drawRow(number, row) {
    const pick = () => { selected = row.id; draw(); handler?.(row); };
    const check = ticks && el("div", { class: "x-grid-cell x-grid-check-cell", role: "gridcell" }, box(ticks.picked.has(row.id), ticks.label, () => toggle(row)));
    return el("div", {
      kind: "row", class: `x-grid-row${row.struck ? " x-grid-row-struck" : ""}`, role: "row", "aria-rowindex": String(number + 2),
      "aria-selected": String(row.id !== undefined && row.id === selected), style: `top:${number * ROW}px`, onclick: pick,
    }, check, columns.map((column) => el("div", { class: "x-grid-cell", role: "gridcell", style: `flex:${column.flex}` }, String(row[column.key] ?? ""))));
  }

  function tickPlaces(places) {
    const before = [...ticks.picked].sort().join();
    ticks.picked.clear();
    places.forEach(([page, index]) => { if (pages.get(page)?.[index]) ticks.picked.add(pages.get(page)[index].id); });
    if ([...ticks.picked].sort().join() !== before) ticks.changed();
  }

  async function refresh(quiet = false) {
    turn += 1;
    const mine = turn;
    const unmask = quiet ? () => {} : mask(loading, made);
    const [first, last] = quiet ? range() : [0, 1];
    const fresh = new Map();
    let count = total;
    for (let page = Math.floor(first / PAGE); page <= Math.floor(Math.max(first, last - 1) / PAGE); page += 1) {
      const told = await load(page * PAGE, PAGE);
      if (mine !== turn || !told) {
        unmask();
        return;
      }
      fresh.set(page, told.rows);
      count = told.total;
    }
    if (!quiet) await pause(delay);
    unmask();
    if (mine !== turn) return;
    const places = ticks?.by_place ? [...pages].flatMap(([page, rows]) => rows.flatMap((row, index) => ticks.picked.has(row.id) ? [[page, index]] : [])) : [];
    [pages, total] = [fresh, count];
    if (places.length) tickPlaces(places);
    if (!quiet) body.scrollTop = 0;
    draw();
  }

  body.append(space);
  made.append(head, body);
  refresh().then(() => { body.addEventListener("scroll", draw); new ResizeObserver(draw).observe(body); });
  return { made, refresh, redraw: draw };
};

// The rows are here already.
Ext.grid.local = (rows) => async (first, count) => ({ rows: rows.slice(first, first + count), total: rows.length });
