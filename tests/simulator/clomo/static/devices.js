// Copyright: nendo.apple_mdm contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// Devices: filters, search, the grid of up to 10,000 rows, and the right pane of the selected one.
"use strict";

const json = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

function drawDevices(told) {
  const { el, panel, selectfield } = Ext;
  const { data } = told;
  const query = { search: "", tag: "", organization: "", state: "" };
  const view = { picked: new Set(), selected: null, open: t.device_details, data };
  const right = el("div", { class: "right" });
  const asked = (path, more = {}) => answer(`${path}?${new URLSearchParams({ ...query, ...more })}`);
  const load = act(async (first, count) => {
    const found = await asked("rows/devices", { first, count });
    bar.counted(found.total);
    return found;
  });
  const ticks = {
    picked: view.picked, survive: data.survive_scrolling, by_place: data.ticks_by_place, label: t.pick, label_all: t.pick_all,
    all: act(() => asked("numbers/devices")),
    changed: () => { bar.ticked(view.picked.size); drawPane(right, view); },
  };
  const columns = [["device_name", "name", 9], ["serial_number", "serial", 14], ["owner", "owner", 17], ["organization", "organization", 7], ["os", "os", 10], ["state", "state", 7], ["last_contact", "contact", 16]]
    .map(([name, key, flex]) => ({ text: t[name], key, flex }));
  const handler = (row) => {
    view.selected = row;
    view.open = t.device_details;
    act(fillPane)(right, view);
  };
  const grid = Ext.grid(t.devices, columns, { load, delay: told.grid_delay, loading: t.loading, handler, ticks });
  view.refresh = (quiet) => grid.refresh(quiet);
  view.untick = () => { view.picked.clear(); ticks.changed(); grid.redraw(); };
  const again = () => {
    if (!data.survive_search) view.untick();
    grid.refresh();
  };
  const filter = (name, options) => selectfield(t[name], [{ id: "", name: t.any }, ...options], (id) => { query[name] = id; again(); });
  const bar = Ext.searchbar(t, (text) => { query.search = text; again(); }, [Ext.menubutton(t.import_export, [{ name: t.export }], () => exportDevices())]);
  bar.ticked(0);
  content().append(el("div", { class: "columns" },
    el("div", { class: "left" }, panel(t.filter, filter("tag", data.tags.map((name) => ({ id: name, name }))), filter("organization", data.organizations), filter("state", data.states))),
    el("div", { class: "middle" }, bar.made, grid.made), right));
  keepFresh(grid, data.refresh);
}

async function keepFresh(grid, every) {
  while (every && grid.made.isConnected) {
    await Ext.pause(every);
    if (grid.made.isConnected) await grid.refresh(true);
  }
}

// --- the right pane

async function fillPane(right, view) {
  const row = view.selected;
  const told = await masked(() => late(`devices/${row.id}`));
  if (view.selected !== row) return;
  if (told.error) {
    view.selected = view.device = null;
    drawPane(right, view);
    await Ext.message(t.error, told.error, [t.ok]);
    return;
  }
  view.device = told;
  drawPane(right, view);
}

function drawPane(right, view) {
  const { el, panel } = Ext;
  const device = view.selected && view.device;
  const count = t.ticked.replace("{count}", view.picked.size);
  if (!device && !view.picked.size) {
    right.replaceChildren();
    return;
  }
  const region = panel(device ? device.name : count, operations(view, device, count), device ? deviceSections(right, view, device) : null);
  right.replaceChildren(region);
}

function deviceSections(right, view, device) {
  const { el, display, fieldset, list } = Ext;
  const details = () => [
    ...device.details.map(([caption, text]) => display(caption, text)),
    device.ade.length ? fieldset(t.ade_devices, ...device.ade.map(([caption, text]) => display(caption, text))) : null,
  ];
  const apps = () => [list(t.applications_list, device.apps.map((one) => [one.name, one.id, one.managed]), t.nothing_there), list(t.licensed_apps, device.licences.map((name) => [name]), t.nothing_there)];
  const certificates = () => device.certificates.length ? device.certificates.map((name) => el("div", { class: "x-list-item", role: "listitem" }, el("span", {}, name),
    Ext.menubutton(t.operate, [{ name: t.revoke }], act(() => revokeCertificate(right, view, device, name))))) : el("div", { class: "x-list-empty" }, t.nothing_there);
  const sections = [
    { title: t.device_details, body: details },
    { title: t.profiles, body: () => list(t.profiles, device.profiles.map((one) => [one.name, one.id]), t.nothing_there) },
    { title: t.applications_list, body: apps },
    { title: t.certificates, body: () => el("div", { role: "list", "aria-label": t.certificates }, certificates()) },
    { title: t.tag, body: () => list(t.tag, device.tags.map((name) => [name]), t.nothing_there) },
    { title: t.edit_device, body: () => [display(t.owner_information, device.owner), display(t.identity_name, "")] },
  ];
  return Ext.accordion(device.name, sections, view.open, (title) => { view.open = title; act(fillPane)(right, view); });
}

async function revokeCertificate(right, view, device, name) {
  if (await Ext.message(t.confirm, t.confirm_revoke, [t.cancel, t.ok]) !== t.ok) return;
  const told = await send("certificates/revoke", { row: device.id, name });
  if (!told) return;
  Ext.toast("").say(told.notice, false);
  await fillPane(right, view);
}

// --- CSV

function exportDevices() {
  const { el, radiogroup, selectfield, button } = Ext;
  const kinds = ["devices", "certificates", "apps"];
  const kind = radiogroup(t.export, [t.export_devices, t.export_certificates, t.export_apps]);
  let encoding = "Shift-JIS";
  const choose = selectfield(t.encoding, ["Shift-JIS", "UTF-8"].map((name) => ({ id: name, name })), (id) => { encoding = id; });

  Ext.window(t.export, el("div", {}, kind.field, choose), (close) => [button(t.cancel, close), button(t.execute, () => {
    close();
    download(`export/${kinds[kind.chosen]}?${new URLSearchParams({ encoding })}`);
  }, { main: true })]);
}

function download(path) {
  const link = Ext.el("a", { href: `${base}/${path}`, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}
