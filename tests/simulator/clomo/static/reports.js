// Copyright: nendo.apple_mdm contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// Reports: the log, the newest first, fifty lines a page.
"use strict";

function drawReports(told) {
  const { el, button } = Ext;
  const view = { page: 1, pages: 1, search: "" };
  const place = el("span", { class: "count" });
  const load = act(async () => {
    const found = await answer(`rows/reports?${new URLSearchParams({ page: view.page, search: view.search })}`);
    view.pages = found.pages;
    view.page = Math.min(view.page, found.pages);
    place.textContent = `${view.page} / ${view.pages}`;
    [[previous, view.page === 1], [next, view.page === view.pages]].forEach(([one, off]) => [one].flat().forEach((each) => each.setAttribute("aria-disabled", String(off))));
    return { rows: found.rows, total: found.rows.length };
  });
  const turn = (by) => { view.page += by; grid.refresh(); };
  const previous = button(t.previous_page, () => turn(-1), { disabled: true });
  const next = button(t.next_page, () => turn(1), { disabled: true });
  const columns = [{ text: t.at, key: "at", flex: 2 }, { text: t.target, key: "target", flex: 3 }, { text: t.log, key: "log", flex: 7 }];
  const bar = Ext.searchbar(t, (text) => { view.search = text; view.page = 1; grid.refresh(); });
  const grid = Ext.grid(t.reports, columns, { load, delay: told.grid_delay, loading: t.loading });
  content().append(el("div", { class: "columns" }, el("div", { class: "middle" }, bar.made, grid.made, el("div", { class: "pager" }, previous, place, next))));
}
