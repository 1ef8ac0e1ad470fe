// Copyright: nendo.apple_mdm contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// このデバイスの操作: the choice of a command, and the windows through which it goes until it is carried out.
"use strict";

// The answer to a question or a write, or null after a dialog told why not.
async function send(path, body) {
  const told = await masked(() => late(path, json(body)));
  if (!told.error) return told;
  await Ext.message(t.error, told.error, [t.ok]);
  return null;
}

const targetRows = (view, device) => view.picked.size ? [...view.picked] : [device.id];

function operations(view, device, count) {
  const { el, button, combo, fieldset, menubutton } = Ext;
  let chosen = null;
  const shown = el("span", { class: "chosen-command" });
  const rows = () => targetRows(view, device);
  const offered = act(() => answer("ask/commands", json({ rows: rows() })));
  const go = button(view.data.menu ? t.execute : t.next, act(() => chosen && openCommand(view, chosen, rows())), { main: true, disabled: true });
  const choose = (option) => {
    chosen = option;
    if (view.data.menu) {
      shown.textContent = option.name;
      [go].flat().forEach((one) => { one.querySelector(".x-btn-inner").textContent = NEXT.includes(option.id) ? t.next : t.execute; });
    }
    Ext.enable(go);
  };
  const chooser = view.data.menu ? [menubutton(t.operations, offered, choose), shown] : combo(t.choose_command, offered, choose);
  return fieldset(t.operations, view.picked.size ? el("div", { class: "count" }, count) : null, el("div", { class: "chooser" }, chooser, go));
}

async function openCommand(view, command, rows) {
  const told = await send("ask/window", { command: command.id, rows });
  if (!told) return;
  const { el, checkbox } = Ext;
  const items = new Set();
  const options = {};
  const parts = [];
  if (told.items) {
    const boxes = told.items.map((one) => checkbox(one.name, (on) => { if (on) items.add(one.id); else items.delete(one.id); }));
    parts.push(Ext.fieldset(t[ITEM_TITLES[command.id]], ...(boxes.length ? boxes.flat() : [el("div", { class: "x-list-empty" }, t.nothing_there)])));
  }
  for (const name of OPTIONS[command.id] ?? []) {
    options[name] = told.ticked[name];
    parts.push(checkbox(t[name], (on) => { options[name] = on; }, told.ticked[name]));
  }
  const order = { view, command, told, body: () => ({ rows: told.rows, ...(told.items ? { items: [...items] } : {}), ...(OPTIONS[command.id] ? { options } : {}) }) };
  Ext.window(command.name, el("div", {}, ...parts.flat(), ...targets(told)), (close) => [
    Ext.button(t.cancel, close),
    Ext.button(command.id === "erase" ? t.ok : t.execute, act(async () => {
      if (told.items && !items.size) {
        await Ext.message(t.error, t.nothing_chosen, [t.ok]);
        return;
      }
      close();
      await FLOWS[command.id](order);
    }), { main: true }),
  ]);
  if (told.unknown_dialog) Ext.message(t.notice, t.unknown_text, [t.close]);
}

const ITEM_TITLES = {
  remove_profile: "choose_profiles", remove_app: "choose_apps", notify_install: "choose_installable", notify_managed: "choose_manageable",
  grant_licence: "choose_grantable", revoke_licence: "choose_licences",
};
const NEXT = ["erase", "notify_install"];
const OPTIONS = { delete: ["with_apps"], erase: ["return_to_service", "carry_over"] };

function targets(told) {
  return [Ext.el("div", { class: "count" }, t.target_count.replace("{count}", told.serials.length)), Ext.longlist(t.targets, told.serials)];
}

const worded = (name, { command, told }) => t[name].replace("{command}", command.name).replace("{count}", told.serials.length);

// Resolves to whether OK was pressed.
function agreed(order, name) {
  const { el, button } = Ext;
  return new Promise((resolve) => {
    const body = el("div", {}, el("div", { class: "x-message-text" }, worded(name, order)), ...targets(order.told));
    Ext.window(t.confirm, body, (close) => [
      button(t.cancel, () => { close(); resolve(false); }),
      button(t.ok, () => { close(); resolve(true); }, { main: true }),
    ], { small: true });
  });
}

async function carryOut(order, more = {}) {
  const told = await send(`commands/${order.command.id}`, { ...order.body(), ...more });
  if (!told) return false;
  Ext.toast("").say(told.notice, false);
  if (["delete", "purge"].includes(order.command.id)) order.view.selected = null;
  if (["delete", "purge", "erase"].includes(order.command.id)) order.view.untick();
  await order.view.refresh(true);
  return true;
}

const atOnce = (order) => carryOut(order);

async function afterOk(order) {
  if (await agreed(order, "confirm_command")) await carryOut(order);
}

// Resolves to what was typed once the button was pressed, or null.
function typedYes(order) {
  const { el, button, textfield } = Ext;
  const field = textfield(t.yes_field);
  return new Promise((resolve) => {
    const body = el("div", {}, el("div", { class: "x-message-text" }, worded("yes_text", order)), ...targets(order.told), ...[field.field].flat());
    Ext.window(order.command.name, body, (close) => [
      button(t.cancel, () => { close(); resolve(null); }),
      button(t[`${order.command.id}_button`], act(async () => {
        if (field.input.value === "") {
          await Ext.message(t.error, t.type_yes, [t.ok]);
          return;
        }
        close();
        resolve(field.input.value);
      }), { main: true }),
    ]);
  });
}

async function afterYes(order) {
  const typed = await typedYes(order);
  if (typed === null) return;
  if (order.told.last_ok_informs) {
    if (await carryOut(order, { typed })) await Ext.message(t.notice, worded("confirm_last", order), [t.ok]);
    return;
  }
  if (await Ext.message(t.confirm, worded("confirm_last", order), [t.cancel, t.ok]) === t.ok) await carryOut(order, { typed });
}

async function deleteDevices(order) {
  if (await agreed(order, "confirm_command")) await afterYes(order);
}

const FLOWS = {
  device_information: atOnce, profile_list: atOnce, app_list: atOnce, remove_profile: afterOk, remove_app: afterOk, notify_install: afterOk, notify_managed: afterOk, grant_licence: afterOk,
  revoke_licence: afterOk, lock: afterOk, lost_mode: afterOk, erase: afterYes, delete: deleteDevices, purge: afterOk,
};
