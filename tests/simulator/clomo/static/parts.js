// Copyright: nendo.apple_mdm contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// More components: fields to choose in, menus, headings that open, lists, and the organisations' tree.
"use strict";

// options: {id, name}; handler is given the id.
Ext.selectfield = (label, options, handler) => {
  const { el, combo } = Ext;
  const field = combo("", options, (option) => handler(option.id), label);
  return el("div", { class: "x-field", role: "presentation" }, el("span", { class: "x-form-item-label", "aria-hidden": "true" }, label), field);
};

Ext.radiogroup = (label, names, chosen = 0) => {
  const { el, press } = Ext;
  const state = { chosen };
  const boxes = names.map((name, index) => {
    const text = el("span", { class: "x-form-cb-label" }, name);
    const box = el("div", { kind: "radio", class: "x-form-radio", role: "radio", tabindex: "0", "aria-labelledby": text.id, "aria-checked": String(index === chosen) });
    const pick = () => {
      state.chosen = index;
      boxes.forEach((other, number) => other.box.setAttribute("aria-checked", String(number === index)));
    };
    for (const one of [box, text]) one.addEventListener("click", press(pick).onclick);
    return { box, line: el("div", { class: "x-field x-form-cb" }, box, text) };
  });
  state.field = el("div", { role: "radiogroup", "aria-label": label }, boxes.map(({ line }) => line));
  return state;
};

// A button that opens a menu below itself; groups: {group, options} or {name}, or a function that promises them.
Ext.menubutton = (text, options, handler) => {
  const { el, button, twice, elsewhere } = Ext;
  let menu = null;
  const close = () => { watch(false); menu?.remove(); menu = null; };
  const watch = elsewhere(() => [menu, made].flat(), close);
  const item = (option) => twice(el("div", { kind: "menuitem", class: "x-boundlist-item", role: "menuitem", onclick: () => { close(); handler(option); } }, option.name), option.name);
  const made = button(text, async (event) => {
    if (menu) {
      close();
      return;
    }
    const place = event.currentTarget.getBoundingClientRect();
    const opened = menu = el("div", { kind: "menu", class: "x-boundlist", role: "menu", "aria-label": text });
    menu.style.cssText = `left:${Math.min(place.left, innerWidth - 360)}px;top:${place.bottom}px;min-width:220px;max-height:${Math.max(120, innerHeight - place.bottom - 12)}px`;
    document.body.append(menu);
    watch(true);
    const offered = typeof options === "function" ? await options() : options;
    opened.append(...(offered ?? []).flatMap((one) => one.group
      ? [el("div", { class: "x-boundlist-group", role: "presentation" }, one.group), ...one.options.flatMap(item)]
      : item(one)));
  });
  [made].flat().forEach((one) => one.setAttribute("aria-haspopup", "menu"));
  return made;
};

// Headings below each other, one of them open. sections: {title, body()}; opened(title) after a press.
Ext.accordion = (label, sections, open, opened) => {
  const { el, press, twice } = Ext;
  return el("div", { kind: "accordion", class: "x-accordion", role: "tablist", "aria-label": label, "aria-orientation": "vertical" },
    sections.flatMap(({ title, body }) => {
      const heading = el("div", { kind: "tab", class: "x-accordion-hd", role: "tab", tabindex: "0", "aria-selected": String(title === open), ...press(() => opened(title)) }, title);
      const content = title === open ? el("div", { class: "x-accordion-body", role: "tabpanel", "aria-labelledby": heading.id }, body()) : null;
      return [twice(heading, title), content];
    }));
};

// lines: each a list of texts.
Ext.list = (title, lines, empty) => {
  const { el, twice } = Ext;
  const rows = lines.map((texts) => el("div", { class: "x-list-item", role: "listitem" }, texts.map((text, index) => el("span", { class: `x-list-part x-list-part-${index}` }, text))));
  const heading = el("div", { class: "x-list-title" }, title);
  return el("div", { class: "x-list-wrap" }, twice(heading, title),
    el("div", { class: "x-list", role: "list", "aria-labelledby": heading.id }, rows), rows.length ? null : el("div", { class: "x-list-empty" }, empty));
};

// Texts below each other; of more than a hundred only those in view are in the DOM.
Ext.longlist = (title, texts) => {
  const { el } = Ext;
  const ROW = 22;
  const heading = el("div", { class: "x-list-title" }, title);
  const space = el("div", { class: "x-grid-space", role: "presentation" });
  const view = el("div", { class: "x-longlist", role: "list", "aria-labelledby": heading.id }, space);
  space.style.height = `${texts.length * ROW}px`;
  view.style.height = `${Math.min(6, Math.max(1, texts.length)) * ROW + 2}px`;
  const draw = () => {
    const first = texts.length > 100 ? Math.max(0, Math.floor(view.scrollTop / ROW) - 2) : 0;
    const last = texts.length > 100 ? Math.min(texts.length, first + 14) : texts.length;
    space.replaceChildren(...texts.slice(first, last).map((text, index) => el("div", {
      class: "x-longlist-item", role: "listitem", "aria-setsize": String(texts.length), "aria-posinset": String(first + index + 1), style: `top:${(first + index) * ROW}px`,
    }, text)));
  };
  view.addEventListener("scroll", draw);
  draw();
  return el("div", { class: "x-list-wrap" }, heading, view);
};

// nodes: {id, name, parent}; all branches are open.
Ext.orgtree = (title, root, nodes, handler) => {
  const { el, press, twice } = Ext;
  const made = el("div", { kind: "treepanel", class: "x-tree", role: "tree", "aria-label": title });
  let selected = null;
  const draw = () => {
    const rows = [];
    const walk = (node, level) => {
      const children = nodes.filter((one) => one.parent === node.id);
      rows.push(twice(el("div", {
        kind: "treeview-record", class: "x-tree-row", role: "treeitem", tabindex: "-1", "aria-level": String(level), "aria-expanded": children.length ? "true" : null,
        "aria-selected": String(node.id === selected), style: `padding-left:${level * 14}px`, ...press(() => { selected = node.id; draw(); handler(node); }),
      }, el("span", { class: "x-tree-icon", "aria-hidden": "true" }, children.length ? "▾" : ""), el("span", { class: "x-tree-text" }, node.name)), node.name));
      children.forEach((child) => walk(child, level + 1));
    };
    walk({ id: "", name: root }, 1);
    made.replaceChildren(...rows.flat());
  };
  draw();
  return made;
};

// A line above a grid: what is searched, and what the grid says of itself.
Ext.searchbar = ({ search, count, ticked }, run, before = []) => {
  const { el, button, textfield } = Ext;
  const field = textfield(search);
  field.input.setAttribute("type", "search");
  const counter = el("span", { class: "count" });
  const picked = el("span", { class: "count" });
  const go = () => run(field.input.value);
  field.input.addEventListener("keydown", (event) => { if (event.key === "Enter") go(); });
  const made = el("div", { class: "searchbar" }, before, field.field, button(search, go), counter, picked);
  const tell = (place, text, number) => { if (place.textContent !== text.replace("{count}", number)) place.textContent = text.replace("{count}", number); };
  return { made, counted: (number) => tell(counter, count, number), ticked: (number) => tell(picked, ticked, number) };
};
