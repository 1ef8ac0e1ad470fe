// Copyright: nendo.apple_mdm contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// Users/Org: the organisations, their users, and what may be done with either.
"use strict";

function drawUsers(told) {
  const { el, panel } = Ext;
  const { data } = told;
  const query = { organization: "", search: "" };
  const view = { picked: new Set(), user: null, organization: null, data };
  const right = el("div", { class: "right" });
  const asked = (path, more = {}) => answer(`${path}?${new URLSearchParams({ ...query, ...more })}`);
  const load = act(async (first, count) => {
    const found = await asked("rows/users", { first, count });
    bar.counted(found.total);
    return found;
  });
  const ticks = {
    picked: view.picked, survive: data.survive_scrolling, label: t.pick, label_all: t.pick_all,
    all: act(() => asked("numbers/users")),
    changed: () => { bar.ticked(view.picked.size); drawPerson(right, view); },
  };
  const columns = [["user_name", "name", 5], ["mail", "mail", 8], ["organization", "organization", 4], ["role", "role", 5], ["owned_devices", "owned", 4]]
    .map(([name, key, flex]) => ({ text: t[name], key, flex }));
  const choose = act(async (row) => {
    view.organization = null;
    view.user = await sent_back(`people/${row.id}`);
    drawPerson(right, view);
  });
  const grid = Ext.grid(t.users, columns, { load, delay: told.grid_delay, loading: t.loading, handler: choose, ticks });
  const untick = () => { view.picked.clear(); ticks.changed(); grid.redraw(); };
  view.again = () => { view.user = null; untick(); drawPerson(right, view); return grid.refresh(); };
  const again = () => {
    if (!data.survive_search) untick();
    grid.refresh();
  };
  const bar = Ext.searchbar(t, (text) => { query.search = text; again(); }, [
    Ext.menubutton(t.import_export, [{ id: "import", name: t.import }, { id: "export", name: t.export }], act((option) => (option.id === "import" ? importUsers() : exportUsers()))),
  ]);
  bar.ticked(0);
  const tree = Ext.orgtree(t.organization, t.all_organizations, data.organizations, (node) => {
    query.organization = node.id;
    view.user = null;
    view.organization = node.id ? node : null;
    drawPerson(right, view);
    again();
  });
  content().append(el("div", { class: "columns" }, el("div", { class: "left" }, panel(t.organization, tree)), el("div", { class: "middle" }, bar.made, grid.made), right));
}

async function sent_back(path) {
  const told = await masked(() => late(path));
  if (!told.error) return told;
  await Ext.message(t.error, told.error, [t.ok]);
  return null;
}

function drawPerson(right, view) {
  const { el, panel, display, fieldset, button } = Ext;
  const count = t.ticked.replace("{count}", view.picked.size);
  const parts = [];
  if (view.picked.size || view.user) parts.push(userOperations(view, count));
  if (view.user) {
    parts.push(
      el("div", { class: "chooser" }, button(t.edit_user, act(() => editUser(view)))),
      display(t.user_name, view.user.name), display(t.mail, view.user.mail), display(t.organization, view.user.organization),
      fieldset(t.clomo_account, display(t.role, view.user.role)),
      Ext.list(t.owned_devices, view.user.serials.map((serial) => [serial]), t.nothing_there),
    );
  }
  if (view.organization) parts.push(el("div", { class: "chooser" }, button(t.edit_organization, act(() => editOrganization(view)))), display(t.organization_name, view.organization.name));
  const title = view.user ? view.user.name : view.organization ? view.organization.name : count;
  right.replaceChildren(...(parts.length ? [panel(title, ...parts.flat())] : []));
}

function userOperations(view, count) {
  const { el, button, combo, fieldset } = Ext;
  const go = button(t.execute, act(() => deleteUsers(view, view.picked.size ? [...view.picked] : [view.user.id])), { main: true, disabled: true });
  const chooser = combo(t.user_operations, [{ id: "delete", name: t.delete_users }], () => Ext.enable(go));
  return fieldset(t.user_operations, view.picked.size ? el("div", { class: "count" }, count) : null, el("div", { class: "chooser" }, chooser, go));
}

async function deleteUsers(view, rows) {
  const { el, button } = Ext;
  const told = await send("ask/users", { rows });
  if (!told) return;
  const wording = t.confirm_users.replace("{count}", told.mails.length);
  const body = el("div", {}, el("div", { class: "x-message-text" }, wording), el("div", { class: "count" }, t.target_count.replace("{count}", told.mails.length)), Ext.longlist(t.target_users, told.mails));
  Ext.window(t.confirm, body, (close) => [button(t.cancel, close), button(t.ok, act(async () => {
    close();
    const done = await send("people/delete", { rows: told.rows, several: true });
    if (done) await follow(done.job, "people", () => view.again());
  }), { main: true })], { small: true });
}

async function editUser(view) {
  const { el, button, textfield } = Ext;
  const user = view.user;
  const fields = [textfield(t.user_name, user.name), textfield(t.mail, user.mail)].map(({ field }) => field);
  Ext.window(t.edit_user, el("div", {}, ...fields.flat()), (close) => [button(t.delete, act(async () => {
    if (await Ext.message(t.confirm, t.confirm_user.replace("{name}", `${user.name} <${user.mail}>`), [t.cancel, t.ok]) !== t.ok) return;
    close();
    const done = await send("people/delete", { rows: [user.id] });
    if (!done) return;
    Ext.toast("").say(done.notice, false);
    await view.again();
  })), button(t.cancel, close)]);
}

async function editOrganization(view) {
  const { el, button, textfield } = Ext;
  const { id, name } = view.organization;
  Ext.window(t.edit_organization, el("div", {}, ...[textfield(t.organization_name, name).field].flat()), (close) => [button(t.delete, act(async () => {
    if (await Ext.message(t.confirm, t.confirm_organization.replace("{name}", name), [t.cancel, t.ok]) !== t.ok) return;
    close();
    const done = await send("organizations/delete", { organization: id });
    if (!done) return;
    await open("users");
    Ext.toast("").say(done.notice, false);
  })), button(t.cancel, close)]);
}

// --- CSV

function importUsers() {
  const { el, button, checkbox, filefield, selectfield } = Ext;
  const chosen = { encoding: "Shift-JIS", method: "add", keep: true };
  const options = (names) => Object.entries(names).map(([id, name]) => ({ id, name }));
  const file = filefield(t.file, t.choose_file);
  const body = el("div", {},
    selectfield(t.import_kind, [{ id: "users", name: t.import_users }], () => {}),
    selectfield(t.encoding, options({ "Shift-JIS": "Shift-JIS", "UTF-8": "UTF-8" }), (id) => { chosen.encoding = id; }),
    selectfield(t.import_method, options({ replace: t.replace_all, add: t.add_and_change }), (id) => { chosen.method = id; }),
    checkbox(t.keep_administrators, (on) => { chosen.keep = on; }, true), file.field);
  Ext.window(t.import, body, (close) => [button(t.cancel, close), button(t.execute, act(async () => {
    close();
    const told = await write("people/import", { file: file.input.files[0], encoding: chosen.encoding, method: chosen.method, keep: chosen.keep ? "yes" : "no" });
    if (!told) return;
    await open("users");
    Ext.toast("").say(t.imported, false);
  }), { main: true })]);
}

function exportUsers() {
  const { el, button, selectfield } = Ext;
  let encoding = "Shift-JIS";
  const choose = selectfield(t.encoding, ["Shift-JIS", "UTF-8"].map((name) => ({ id: name, name })), (id) => { encoding = id; });
  Ext.window(t.export, el("div", {}, choose), (close) => [button(t.cancel, close), button(t.execute, () => {
    close();
    download(`export/users?${new URLSearchParams({ encoding })}`);
  }, { main: true })]);
}
