// Copyright: nendo.apple_mdm contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// Components whose DOM is like that of Ext JS 6: generated ids, roles on divs, masks, windows, buffered grids.
"use strict";

const Ext = (() => {
  let counter = 1000 + Math.floor(Math.random() * 8000);
  let doubled = [];

  const id = (kind = "ext-gen") => `${kind}-${counter += 1 + Math.floor(Math.random() * 3)}`;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  function el(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    made.id = id(attributes.kind);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (name !== "kind" && value !== undefined && value !== null) made.setAttribute(name, value);
    }
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
    return made;
  }

  // Texts of the switch stand twice; the second one does nothing.
  function twice(made, text) {
    if (!doubled.includes(text)) return made;
    const copy = made.cloneNode(true);
    for (const one of [copy, ...copy.querySelectorAll("[id]")]) one.id = id();
    return [made, copy];
  }

  const press = (handler) => ({
    onclick: (event) => {
      if (event.currentTarget.getAttribute("aria-disabled") !== "true") handler(event);
    },
    onkeydown: (event) => {
      if ((event.key === "Enter" || event.key === " ") && event.target === event.currentTarget) event.currentTarget.click();
    },
  });

  function button(text, handler, { disabled = false, main = false } = {}) {
    const made = el(
      "div",
      { kind: "button", class: `x-btn${main ? " x-btn-main" : ""}`, role: "button", tabindex: "0", "aria-disabled": String(disabled), ...press(handler) },
      el("span", { class: "x-btn-inner" }, text),
    );
    return twice(made, text);
  }

  const enable = (made) => [made].flat().forEach((one) => one.setAttribute("aria-disabled", "false"));

  function link(text, attributes) {
    return twice(el("a", attributes, text), text);
  }

  // A label, and the body that is given the id of the label.
  function labelled(label, body) {
    const name = el("span", { kind: "labelEl", class: "x-form-item-label" }, label);
    return twice(el("div", { kind: "field", class: "x-field", role: "presentation" }, name, body(name.id)), label);
  }

  function display(label, ...lines) {
    return labelled(label, (name) =>
      el("div", { kind: "displayfield", class: "x-form-display", role: "textbox", "aria-readonly": "true", "aria-labelledby": name },
        lines.map((line) => el("div", {}, line))));
  }

  function textfield(label, value = "") {
    let input;
    const field = labelled(label, (name) => {
      input = el("input", { kind: "textfield", class: "x-form-text", type: "text", "aria-labelledby": name, autocomplete: "off" });
      input.value = value;
      return input;
    });
    return { field, input };
  }

  // The native input lies transparent over the button, as in Ext.
  function filefield(label, text) {
    const span = el("span", { class: "x-btn-inner" }, text);
    const input = el("input", { kind: "fileInputEl", class: "x-form-file-input", type: "file", "aria-labelledby": span.id });
    const shown = el("div", { class: "x-form-text x-form-file-name", "aria-hidden": "true" });
    input.addEventListener("change", () => { shown.textContent = input.files.length ? input.files[0].name : ""; });
    const chooser = twice(el("a", { kind: "filebutton", class: "x-btn x-form-file-btn" }, span, input), text);
    return { field: labelled(label, () => el("div", { class: "x-form-file-wrap" }, shown, chooser)), input };
  }

  function checkbox(label, handler, ticked = false) {
    const toggle = () => {
      const checked = box.getAttribute("aria-checked") !== "true";
      box.setAttribute("aria-checked", String(checked));
      handler(checked);
    };
    const name = el("span", { class: "x-form-cb-label", onclick: toggle }, label);
    const box = el("div", { kind: "checkbox", class: "x-form-checkbox", role: "checkbox", tabindex: "0", "aria-checked": String(ticked), "aria-labelledby": name.id, ...press(toggle) });
    return twice(el("div", { class: "x-field x-form-cb" }, box, name), label);
  }

  // Calls close at a press anywhere else, from on(true) to on(false): what was taken off the page must not be kept by it.
  function elsewhere(inside, close) {
    const look = (event) => { if (!inside().some((one) => one?.contains(event.target))) close(); };
    return (watched) => document[watched ? "addEventListener" : "removeEventListener"]("mousedown", look, true);
  }

  // options: {name} or {group, options}, or a function that promises them. name_: of the field, if the placeholder is none of it.
  function combo(empty, options, handler, name_ = empty) {
    const input = el("input", { kind: "combo", class: "x-form-text", type: "text", role: "combobox", readonly: "", "aria-expanded": "false", "aria-label": name_, "aria-haspopup": "listbox" });
    const placeholder = el("label", { class: "x-placeholder-label", for: input.id }, empty);
    const wrap = el("div", { class: "x-form-combo" }, input, placeholder, el("div", { class: "x-form-trigger", "aria-hidden": "true" }, "▾"));
    let list = null;
    const collapse = () => { watch(false); list?.remove(); list = null; input.setAttribute("aria-expanded", "false"); };
    const watch = elsewhere(() => [list, wrap], collapse);
    const choose = (option) => {
      collapse();
      input.value = option.name;
      placeholder.remove();
      handler(option);
    };
    const item = (option) => twice(el("div", { class: "x-boundlist-item", role: "option", onclick: () => choose(option) }, option.name), option.name);
    const grouped = ({ group, options: inside }) =>
      el("div", { role: "group", "aria-label": group }, el("div", { class: "x-boundlist-group", "aria-hidden": "true" }, group), inside.flatMap(item));
    const expand = async () => {
      if (list) {
        collapse();
        return;
      }
      input.setAttribute("aria-expanded", "true");
      const opened = list = el("div", { kind: "boundlist", class: "x-boundlist", role: "listbox", "aria-label": name_ });
      const place = wrap.getBoundingClientRect();
      list.style.cssText = `left:${place.left}px;top:${place.bottom}px;width:${place.width}px;max-height:${Math.max(120, innerHeight - place.bottom - 12)}px`;
      document.body.append(list);
      watch(true);
      const offered = typeof options === "function" ? await options() : options;
      opened.append(...(offered ?? []).flatMap((option) => option.group ? grouped(option) : item(option)));
    };
    wrap.addEventListener("click", (event) => { if (event.target !== placeholder) expand(); });
    return twice(wrap, empty);
  }

  function fieldset(title, ...children) {
    const legend = el("div", { class: "x-fieldset-header", "aria-hidden": "true" }, title);
    return el("div", { kind: "fieldset", class: "x-fieldset", role: "group", "aria-label": title }, legend, ...children);
  }

  function panel(title, ...children) {
    const header = el("div", { kind: "header", class: "x-panel-header" }, title);
    return el("div", { kind: "panel", class: "x-panel", role: "region", "aria-labelledby": header.id }, header, el("div", { class: "x-panel-body" }, ...children));
  }

  function mask(text, target = document.body) {
    const made = el("div", { kind: "loadmask", class: "x-mask" }, el("div", { class: "x-mask-msg", role: "status" }, text));
    target.append(made);
    return () => made.remove();
  }

  function window_(title, body, buttons, { small = false } = {}) {
    const header = el("div", { kind: "header-title", class: "x-window-header" }, title);
    const toolbar = el("div", { kind: "toolbar", class: "x-toolbar", role: "toolbar" });
    const frame = el("div", { kind: "window", class: `x-window${small ? " x-message-box" : ""}`, role: "dialog", "aria-modal": "true", "aria-labelledby": header.id, tabindex: "-1" },
      header, el("div", { class: "x-window-body" }, body), toolbar);
    const cover = el("div", { class: "x-mask x-modal" }, frame);
    const close = () => cover.remove();
    toolbar.append(...buttons(close).flat());
    document.body.append(cover);
    frame.focus();
    return { close, frame };
  }

  // Resolves to the text of the button that was pressed.
  function message(title, text, labels) {
    return new Promise((resolve) => {
      window_(title, el("div", { class: "x-message-text" }, text), (close) =>
        labels.map((label) => button(label, () => { close(); resolve(label); }, { main: label === labels.at(-1) })), { small: true });
    });
  }

  function toast(text) {
    const said = el("span", {}, text);
    const made = el("div", { kind: "toast", class: "x-toast", role: "alert" }, said);
    document.querySelectorAll(".x-toast").forEach((older) => older.remove());
    document.body.append(made);
    let timer = null;
    const say = (words, stays) => {
      said.textContent = words;
      clearTimeout(timer);
      if (!stays) timer = setTimeout(() => made.remove(), 6000);
    };
    return { say };
  }

  // items: {text, level, leaf, handler, children}; one branch of each level is open, and what is closed is not in the DOM.
  function tree(title, items) {
    const made = el("div", { kind: "treepanel", class: "x-tree", role: "tree", "aria-label": title });
    let selected = null;
    const draw = () => {
      const rows = [];
      const walk = (nodes, level) => nodes.forEach((node) => {
        const open = () => {
          if (node.children) {
            const was = node.open;
            nodes.forEach((other) => { other.open = false; });
            node.open = !was;
          } else {
            selected = node;
          }
          draw();
          node.handler?.();
        };
        rows.push(twice(el("div", {
          kind: "treeview-record", class: "x-tree-row", role: "treeitem", tabindex: "-1", "aria-level": String(level),
          "aria-expanded": node.children ? String(Boolean(node.open)) : null, "aria-selected": String(node === selected),
          style: `padding-left:${level * 14}px`, ...press(open),
        }, el("span", { class: "x-tree-icon", "aria-hidden": "true" }, node.children ? (node.open ? "▾" : "▸") : ""), el("span", { class: "x-tree-text" }, node.text)), node.text));
        if (node.open) walk(node.children, level + 1);
      });
      walk(items, 1);
      made.replaceChildren(...rows.flat());
    };
    draw();
    return made;
  }

  return {
    button, checkbox, combo, display, el, elsewhere, enable, fieldset, filefield, id, labelled, link, mask, message, panel, pause, press, textfield, toast,
    tree, twice, window: window_, setDoubled: (texts) => { doubled = texts; },
  };
})();
