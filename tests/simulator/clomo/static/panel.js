// Copyright: nendo.apple_mdm contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// The panel's screens. Words and behaviour come with the data of each screen that is opened.
"use strict";

const base = document.body.dataset.base;
let t = {};
let opened = 0;
let delay = 0;

// Why a press led nowhere; tell() says it once the mask is gone.
class Trouble extends Error {
  constructor(tell) {
    super("trouble");
    this.tell = tell;
  }
}

// --- the server

const unreachable = (detail = "") => new Trouble(() => Ext.message(t.error ?? "", `${t.trouble ?? ""}${detail}`, [t.ok ?? "OK"]));

async function answer(path, options = {}) {
  const response = await fetch(`${base}/${path}`, options).catch(() => { throw unreachable(); });
  if (response.status === 401) {
    const { login } = await response.json();
    throw new Trouble(async () => {
      if (t.session_ended) await Ext.message(t.notice, t.session_ended, [t.ok]);
      location.href = login;
    });
  }
  if (response.status === 503 && (response.headers.get("content-type") ?? "").includes("html")) {
    throw new Trouble(() => location.reload());
  }
  if (!response.ok) throw unreachable(` (${response.status})`);
  return response.json();
}

// The answer, as late as the switch says.
async function late(path, options) {
  const told = await answer(path, options);
  await Ext.pause(delay);
  return told;
}

// The work, while a mask lies over everything.
async function masked(work) {
  const unmask = Ext.mask(t.loading ?? "");
  try {
    return await work();
  } finally {
    unmask();
  }
}

async function screen(name) {
  const told = await masked(async () => {
    const found = await answer(`data/${name}`);
    await Ext.pause(found.delay);
    return found;
  });
  t = told.texts;
  delay = told.delay;
  Ext.setDoubled(told.doubled);
  if (told.unknown_dialog) setTimeout(() => Ext.message(t.notice, t.unknown_text, [t.close]), 0);
  return told;
}

// The answer, or null after a dialog told why not.
async function write(path, fields = {}) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) body.append(name, value);
  const told = await masked(() => answer(path, { method: "POST", body }));
  if (!told.error) return told;
  await Ext.message(t.error, told.error, [t.ok]);
  return null;
}

const act = (work) => (...given) => work(...given).catch((error) => {
  if (!(error instanceof Trouble)) throw error;
  return error.tell();
});

async function follow(job, name, done) {
  const notice = Ext.toast("");
  notice.say(t[`${name}_started`], true);
  for (;;) {
    await Ext.pause(150);
    const state = await answer(`jobs/${job}`);
    if (state.done) {
      notice.say(t[`${name}_${state.succeeded ? "completed" : "failed"}`], false);
      if (done) await done();
      return;
    }
  }
}

// --- the frame

const SCREENS = [["home", "home"], ["devices", "mobile_devices"], ["users", "users"], ["applications", "applications"], ["reports", "reports"], ["settings", "settings"]];
const content = () => document.querySelector(".content");

function drawFrame(account, current) {
  const { el } = Ext;
  const tabs = SCREENS.flatMap(([name]) => Ext.twice(el("div", {
    kind: "tab", class: "x-tab", role: "tab", tabindex: "0", "aria-selected": String(name === current), "data-name": name,
    onclick: act(() => open(name)),
  }, el("span", { class: "x-tab-inner" }, t[name])), t[name]));
  const right = el("div", { class: "account" }, el("span", { class: "simulator" }, "Simulator of nendo.apple_mdm"), el("span", {}, account), Ext.link(t.logout, { href: `${base}/logout` }));
  viewport.replaceChildren(
    el("div", { class: "top", role: "banner" }, el("div", { class: "brand" }, "CLOMO PANEL"), el("div", { kind: "tabbar", class: "x-tab-bar", role: "tablist" }, tabs), right),
    el("div", { class: "content", role: "main" }),
  );
}

// What lies above it, notices and windows, stays when the screen changes.
const viewport = Ext.el("div", { class: "x-viewport" });
document.body.append(viewport);

const DRAW = { home: drawHome, devices: drawDevices, users: drawUsers, applications: drawApplications, reports: drawReports, settings: drawSettings };
async function open(name) {
  const turn = opened += 1;
  const told = await screen(name);
  if (turn !== opened) return;
  drawFrame(told.account, name);
  history.replaceState(null, "", `${base}/${SCREENS.find(([one]) => one === name)[1]}`);
  DRAW[name](told);
}

// --- HOME and the lists

function drawHome({ data }) {
  const { el, panel, display } = Ext;
  const lines = (label) => display(t[label], ...(data[label].length ? data[label] : [t.none]));
  const alerts = data.alerts.length ? data.alerts.map((text) => el("div", { class: "alert-line", role: "listitem" }, text)) : [el("div", {}, t.alert_none)];
  content().append(el("div", { class: "blocks" },
    panel(t.alerts, el("div", { role: "list", class: data.alerts.length ? "alert-list" : "" }, alerts)),
    panel("CLOMO MDM", display(t.managed, data.managed), display(t.person_in_charge, t.administrator)),
    panel(t.mdm, lines("push_certificate"), lines("server_token")),
    panel(t.applications, lines("service_tokens")),
  ));
}

function listScreen(filters, grid, detail = null) {
  const { el, panel } = Ext;
  content().append(el("div", { class: "columns" },
    el("div", { class: "left" }, panel(t.filter, ...filters)), el("div", { class: "middle" }, grid), el("div", { class: "right" }, detail)));
}

const gridOptions = (told, handler) => ({ load: Ext.grid.local(told.data.rows), delay: told.grid_delay, loading: t.loading, handler });

function drawApplications(told) {
  const detail = Ext.el("div", { class: "detail" });
  const columns = [{ text: t.app_name, key: "name", flex: 2 }, { text: t.platform, key: "platform", flex: 1 }];
  listScreen([Ext.textfield(t.app_name).field], Ext.grid(t.applications, columns, gridOptions(told, (app) => drawApplication(detail, app))).made, detail);
}

function drawApplication(detail, app) {
  const { panel, display, fieldset, button, checkbox } = Ext;
  const volume = () => {
    const run = button(t.execute, act(async () => {
      if (await Ext.message(t.confirm, t.confirm_licences, [t.cancel, t.ok]) !== t.ok) return;
      const told = await write(`applications/${app.id}/licences`);
      if (told) await follow(told.job, "licences", () => refreshed(app, detail));
    }), { disabled: true, main: true });
    const tick = checkbox(t.refresh_licences, (checked) => [run].flat().forEach((one) => one.setAttribute("aria-disabled", String(!checked))));
    return fieldset(t.volume, display(t.licences, String(app.licences)), tick, run);
  };
  detail.replaceChildren(panel(app.name, display(t.platform, app.platform), app.platform === "iOS" ? volume() : null));
}

async function refreshed(app, detail) {
  const { data } = await answer("data/applications");
  if (detail.isConnected) drawApplication(detail, data.rows.find((row) => row.id === app.id));
}

// --- Settings

function settingsTree() {
  const leaf = (name, show) => ({ text: t[name], handler: act(show ?? (() => drawEmpty(name))) });
  const branch = (name, ...children) => ({ text: t[name], children });
  const general = branch("general", leaf("basic"), leaf("admin_schemes"));
  general.open = true;
  return [
    general,
    branch("mdm", branch("ios", leaf("basic", drawIosBasic), leaf("profiles"), leaf("ade_profiles"), leaf("agent")), branch("android", leaf("basic")), leaf("onebe")),
    branch("app_portal", leaf("service", drawServiceSettings)),
    branch("work_smart", leaf("work_smart_sets")),
    branch("gate", leaf("service"), leaf("access")),
    branch("services", leaf("google")),
    leaf("utility"),
  ];
}

function drawSettings() {
  const { el } = Ext;
  content().append(el("div", { class: "columns" }, el("div", { class: "left" }, Ext.tree(t.settings, settingsTree())), el("div", { class: "page" })));
}

function drawPage(title, body, toolbar = []) {
  const { el } = Ext;
  document.querySelector(".page")?.replaceChildren(el("h2", {}, title), ...body, el("div", { class: "x-toolbar", role: "toolbar" }, toolbar));
}

async function drawEmpty(name) {
  await screen("empty");
  drawPage(t[name], [Ext.el("p", {}, t.empty_screen)]);
}

async function drawIosBasic() {
  const { data } = await screen("ios_basic");
  const { fieldset, display, filefield, button } = Ext;
  const file = filefield(t.server_token, t.ade_choose_file);
  const save = act(async () => {
    const told = await write("settings/ios_basic", { file: file.input.files[0] });
    if (!told) return;
    await drawIosBasic();
    Ext.toast("").say(t.saved, false);
  });
  const refresh = act(async () => {
    const told = await write("settings/ade_devices");
    if (told) await follow(told.job, "devices");
  });
  drawPage(`${t.ios} ${t.basic}`, [
    fieldset(t.system, display(t.subject, data.subject || t.none), button(t.wizard, act(startWizard))),
    fieldset(t.enrollment, file.field, display(t.server_token_expiry, data.server_token_expiry || t.none), Ext.el("div", { class: "x-field" }, Ext.el("span", { class: "x-form-item-label" }, t.ade_devices), button(t.refresh_devices, refresh))),
  ], [button(t.save, save, { main: true })]);
}

async function drawServiceSettings() {
  const { data } = await screen("service_settings");
  const { el, fieldset, display, filefield, button, combo } = Ext;
  const rest = el("div", {});
  let chosen = null;
  const drawRest = () => {
    const file = filefield(t.file, t.choose_file);
    const register = act(async () => {
      const told = await write("settings/service_token", { file: file.input.files[0], organization: chosen.id });
      if (!told) return;
      data.organizations = told.organizations;
      chosen = told.organizations.find((one) => one.id === chosen.id);
      drawRest();
    });
    rest.replaceChildren(...[display(t.token_name, chosen.token || t.none), display(t.expiry, chosen.not_after || t.none), file.field, button(t.register, register)].flat());
  };
  const save = act(async () => {
    if (!await write("settings/service_settings")) return;
    await drawServiceSettings();
    Ext.toast("").say(t.saved, false);
  });
  drawPage(`${t.app_portal} ${t.service}`, [
    fieldset(t.vpp, el("div", { class: "x-field" }, el("span", { class: "x-form-item-label" }, t.service_token), combo(t.choose_organization, data.organizations, (option) => {
      chosen = data.organizations.find((one) => one.id === option.id);
      drawRest();
    })), rest),
  ], [button(t.save, save, { main: true })]);
}

// --- the wizard

const STEPS = { form: wizardForm, csr: wizardCsr, certificate: wizardCertificate };

function wizardWindow(body, buttons) {
  return Ext.window(t.wizard, Ext.el("div", {}, ...body), (close) => [Ext.button(t.close, close), ...buttons(close)]);
}

async function startWizard() {
  const { data } = await screen("wizard");
  const { el, button } = Ext;
  wizardWindow([el("p", {}, t.wizard_intro)], (close) => {
    const anew = button(t.next, act(async () => {
      if (await Ext.message(t.confirm, t.wizard_confirm, [t.cancel, t.ok]) !== t.ok) return;
      if (!await write("wizard/begin")) return;
      close();
      await wizardForm();
    }), { main: true });
    const on = button(t.continue, act(async () => { close(); await STEPS[data.step](); }));
    return data.step ? [on, anew] : [anew];
  });
}

async function wizardForm() {
  await screen("wizard_form");
  const fields = { person_mail: Ext.textfield(t.person_mail), person_name: Ext.textfield(t.person_name), country: Ext.textfield(t.country) };
  wizardWindow(Object.values(fields).map(({ field }) => field).flat(), (close) => [nextButton(close, async () => {
    const given = Object.fromEntries(Object.entries(fields).map(([name, { input }]) => [name, input.value]));
    return await write("wizard/person", given) && wizardCsr;
  })].flat());
}

// Closes the window once the work says which step comes.
function nextButton(close, work, options = {}) {
  return Ext.button(t.next, act(async () => {
    const following = await work();
    if (!following) return;
    close();
    await following();
  }), { main: true, ...options });
}

async function wizardCsr() {
  await screen("wizard_csr");
  const { el, link } = Ext;
  let next = null;
  const taken = link(t.download_csr, { href: `${base}/wizard/csr`, download: "", onclick: () => Ext.enable(next) });
  wizardWindow([el("p", {}, t.csr_text), el("p", {}, ...[taken].flat())], (close) => {
    next = nextButton(close, async () => await write("wizard/csr_taken") && wizardPortal, { disabled: true });
    return [next].flat();
  });
}

async function wizardPortal() {
  const { data } = await screen("wizard_portal");
  const { el, link, button } = Ext;
  const body = el("div", { class: "x-message-text" }, el("p", {}, t.portal_text), el("p", {}, ...[link(t.portal_link, { href: data.portal, target: "_blank", rel: "noopener" })].flat()));
  Ext.window(t.notice, body, (close) => [button(t.ok, close, { main: true })], { small: true });
}

async function wizardCertificate() {
  const { data } = await screen("wizard_certificate");
  const file = Ext.filefield(t.certificate_file, t.choose_file);
  const mail = Ext.textfield(t.apple_account, data.apple_account);
  wizardWindow([file.field, mail.field].flat(), (close) => [nextButton(close, async () => {
    const given = { file: file.input.files[0], apple_account: mail.input.value };
    let told = await write("wizard/certificate", given);
    if (told?.confirm) {
      if (await Ext.message(t.confirm, t.other_certificate, [t.cancel, t.ok]) !== t.ok) return null;
      told = await write("wizard/certificate", { ...given, confirmed: "yes" });
    }
    return told && wizardDone;
  })].flat());
}

async function wizardDone() {
  await screen("wizard_done");
  Ext.window(t.wizard, Ext.el("p", {}, t.wizard_done), (close) => [Ext.button(t.finish, act(async () => { close(); await drawIosBasic(); }), { main: true })]);
}

// --- start

act(open)((SCREENS.find(([, path]) => location.pathname.endsWith(`/${path}`)) ?? SCREENS[0])[0]);
