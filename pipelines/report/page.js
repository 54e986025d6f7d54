"use strict";
/* Chooses, sorts and writes what SQL has computed; computes nothing itself. Names from outside are only ever set as text. */

const PAGE = JSON.parse(document.getElementById("data").textContent);
const ROWS_SHOWN = 10;
const STATUS = { ok: "in its cap", near: "near", drawing_from_pool: "on the pool", over: "over", no_cap: "no cap" };
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
  "November", "December"];

// ---- how values are written: as in messages (alerts/_format.py) ----

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0, roundingMode: "halfExpand" });
const digits = [0, 1, 2].map((count) => new Intl.NumberFormat("en",
  { minimumFractionDigits: count, maximumFractionDigits: count, roundingMode: "halfExpand" }));
const cents = digits[2];
const percentage = new Intl.NumberFormat("en", { style: "percent", roundingMode: "trunc" });
const SIZES = [[1e9, "B"], [1e6, "M"], [1e3, "k"]];

function tokens(count) {
  for (const [size, mark] of SIZES) {
    if (Math.abs(count) >= size - size / 2000) {
      const part = count / size;
      return `${digits[Math.abs(part) < 9.995 ? 2 : Math.abs(part) < 99.95 ? 1 : 0].format(part)} ${mark}`;
    }
  }
  return whole.format(count);
}

function usd(sum) {
  const text = cents.format(String(Math.abs(sum)));
  return sum < 0 && text !== "0.00" ? `-$${text}` : `$${text}`;
}

function ratio(share) {
  if (share > 0 && share < 0.01) return "under 1 %";
  return percentage.format(String(share)).replace("%", " %").replace("-0 %", "0 %");
}

const date = (text) => `${Number(text.slice(8, 10))} ${MONTHS[text.slice(5, 7) - 1].slice(0, 3)} ${text.slice(0, 4)}`;
const month = (text) => `${MONTHS[text.slice(5, 7) - 1].slice(0, 3)} ${text.slice(0, 4)}`;
const plain = (value) => typeof value !== "number" ? String(value)
  : Number.isInteger(value) ? whole.format(value) : digits[Math.abs(value) < 10 ? 2 : 1].format(value);

const WRITTEN = {
  tokens, usd, ratio, date, month, plain,
  time: (text) => `${date(text)}, ${text.slice(11, 16)} UTC`,
  status: (value) => STATUS[value] ?? value,
};
const write = (value, kind) => value === null || value === undefined ? "\u2013"
  : value === true ? "yes" : value === false ? "no" : WRITTEN[kind](value);

// ---- what is shown: the rows of the chosen team ----

const exhibits = [...document.querySelectorAll("[data-exhibit]")].map((place) => {
  const { fields, rows, texts, findings, ...rest } = PAGE.exhibits[place.dataset.exhibit];
  const value = (field, cell) => cell !== null && field in texts ? texts[field][cell] : cell;
  return { ...rest, place,
    rows: rows.map((row) => Object.fromEntries(fields.map((field, at) => [field, value(field, row[at])]))),
    findings: new Map(findings.map(([team, words, tiles]) => [team, { words, tiles }])) };
});

function chosenRows(exhibit, team) {
  if (exhibit.filter === "none" || (exhibit.filter === "narrow" && team === null)) return exhibit.rows;
  return exhibit.rows.filter((row) => row.team_id === team);
}

function show(exhibit, team) {
  const find = (selector) => exhibit.place.querySelector(selector);
  const rows = chosenRows(exhibit, team);
  const finding = exhibit.findings.get(exhibit.filter === "none" ? null : team);
  const words = finding?.words ?? (exhibit.findings.size ? "Nothing of this team" : exhibit.missing);
  find(".finding").textContent = words;
  find(".whole").hidden = team === null || exhibit.filter !== "none";
  find(".remedy").hidden = exhibit.findings.size > 0;
  find(".tiles")?.replaceChildren(...(finding ? tiles(exhibit.tiles, finding.tiles) : []));
  find(".rows").replaceChildren(...(rows.length ? [table(exhibit, rows, words)] : []));
  if (exhibit.chart) draw(exhibit, rows, words);
}

// ---- tables and key figures ----

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function written(value, kind) {
  const text = write(value, kind);
  return kind === "status" ? element("span", { class: `status ${value in STATUS ? value : ""}` }, text)
    : element("bdi", {}, text);
}

function tiles(columns, values) {
  const known = columns.map(([, label, kind], at) => [label, kind, values[at]]).filter(([, , value]) => value !== null);
  return known.map(([label, kind, value]) =>
    element("div", {}, element("dt", {}, label), element("dd", {}, written(value, kind))));
}

function compare(one, other) {
  if (one === other) return 0;
  if (one === null || other === null) return one === null ? 1 : -1;
  return typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));
}

function table(exhibit, rows, finding) {
  const state = { rows, from: 0, words: "", by: null, down: true };
  const isNumber = ([name]) => rows.some((row) => typeof row[name] === "number");
  const known = exhibit.columns.filter(([name]) => rows.some((row) => row[name] !== null));
  const columns = known.map((column) => ({ name: column[0], label: column[1], kind: column[2],
    style: isNumber(column) ? "number" : ["date", "month", "time"].includes(column[2]) ? "day"
      : /reason|error|note/.test(column[0]) ? "long" : "text" }));
  const head = element("tr");
  const body = element("tbody");
  const count = element("span", { role: "status" });
  const step = (label, by) => element("button", { type: "button", "aria-label": `${label} rows`,
    onclick: () => { state.from += by * ROWS_SHOWN; refill(); } }, label);
  const [back, on] = [step("Previous", -1), step("Next", 1)];

  function sortBy(column) {
    state.down = state.by === column.name ? !state.down : column.style === "number";
    state.by = column.name;
    state.from = 0;
    refill();
  }

  function refill() {
    const words = state.words.toLowerCase();
    let found = words === "" ? rows : rows.filter((row) =>
      columns.some(({ name, kind }) => write(row[name], kind).toLowerCase().includes(words)));
    if (state.by) {
      found = [...found].sort((one, other) => {
        const [left, right] = [one[state.by], other[state.by]];
        return left === null || right === null || !state.down ? compare(left, right) : compare(right, left);
      });
    }
    body.replaceChildren(...found.slice(state.from, state.from + ROWS_SHOWN).map((row) =>
      element("tr", {}, ...columns.map(({ name, kind, style }) =>
        element("td", { class: style }, written(row[name], kind))))));
    columns.forEach(({ name }, at) => {
      if (state.by === name) head.children[at].setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.children[at].removeAttribute("aria-sort");
    });
    const last = Math.min(state.from + ROWS_SHOWN, found.length);
    count.textContent = found.length === 0 ? "none found"
      : `${whole.format(state.from + 1)}\u2013${whole.format(last)} of ${whole.format(found.length)}`;
    back.disabled = state.from === 0;
    on.disabled = last >= found.length;
  }

  head.append(...columns.map((column) => element("th", { scope: "col", class: column.style },
    element("button", { type: "button", class: column.style, onclick: () => sortBy(column) }, column.label))));
  refill();
  const content = element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": `Table: ${finding}` },
    element("table", {}, element("thead", {}, head), body));
  const box = element("div");
  if (rows.length > ROWS_SHOWN) {
    const search = element("input", { type: "search",
      oninput: (event) => { state.words = event.target.value.trim(); state.from = 0; refill(); } });
    box.append(element("div", { class: "controls" }, element("label", {}, "Find ", search), count, back, on));
  }
  box.append(content);
  if (exhibit.open) return box;
  const title = `Table, ${whole.format(rows.length)} ${rows.length === 1 ? "row" : "rows"}`;
  return element("details", { class: "table" }, element("summary", {}, title), box);
}

// ---- charts ----

for (const name of Object.keys(WRITTEN)) vega.expressionFunction(`as_${name}`, (value) => write(value, name));
vega.expressionFunction("clipped", (text, most) => {
  const name = String(text).replace(/\s+/g, " ");
  return name.length > most ? `${name.slice(0, most - 1)}\u2026` : name;
});

const IS_NARROW = innerWidth < 600;
const LETTERS = getComputedStyle(document.body).fontFamily;
const LOOK = {
  background: "transparent", font: LETTERS, padding: { left: 0, right: 6, top: 4, bottom: 6 }, customFormatTypes: true, aria: false,
  view: { stroke: null },
  axis: { labelColor: "var(--quiet)", titleColor: "var(--quiet)", labelFontSize: 12, titleFontSize: 12,
    titleFontWeight: "normal", gridColor: "var(--grid)", domainColor: "var(--rest)", tickColor: "var(--rest)",
    labelLimit: IS_NARROW ? 116 : 220, labelOverlap: "greedy", labelSeparation: 6 },
  axisY: { domain: false, ticks: false, labelPadding: 6 },
  legend: { labelColor: "var(--ink)", titleColor: "var(--quiet)", labelFontSize: 12, titleFontSize: 12,
    titleFontWeight: "normal", orient: "top", title: null, direction: IS_NARROW ? "vertical" : "horizontal", symbolStrokeWidth: 2, labelLimit: 260 },
};

function drawnRows(exhibit, rows) {
  const wanted = Object.entries(exhibit.chartWhere);
  return rows.filter((row) => wanted.every(([name, value]) => row[name] === value))
    .slice(0, exhibit.chartRows ?? rows.length);
}

async function draw(exhibit, rows, finding) {
  const figure = exhibit.place.querySelector("figure");
  const drawn = drawnRows(exhibit, rows);
  figure.hidden = drawn.length === 0;
  const note = exhibit.place.querySelector(".note")?.textContent ?? "";
  figure.setAttribute("aria-label", `Chart: ${finding}. ${note} The table below has the numbers.`);
  if (figure.hidden) return;
  if (exhibit.view) {
    (await exhibit.view).change("rows", vega.changeset().remove(() => true).insert(drawn)).runAsync();
    return;
  }
  const spec = { width: "container", autosize: { type: "fit-x", contains: "padding" }, ...exhibit.chart, data: { name: "rows", values: drawn } };
  exhibit.view = vegaEmbed(figure.firstElementChild, spec, { mode: "vega-lite", renderer: "svg", actions: false,
    ast: true, logLevel: vega.Error, config: LOOK, defaultStyle: false, tooltip: { disableDefaultStyle: true } }).then(({ view }) => view);
  await exhibit.view;
}

// ---- the team ----

const choice = document.getElementById("team");

function choose() {
  const team = choice.value === "" ? null : PAGE.teams[choice.value];
  exhibits.forEach((exhibit) => show(exhibit, team));
  const words = team === null ? "" : `#team=${encodeURIComponent(team)}`;
  if (words || location.hash.startsWith("#team=")) history.replaceState(null, "", words || "#");
  document.getElementById("chosen").textContent = `Shown: ${choice.selectedOptions[0].textContent}`;
}

function linkedTeam() {
  try {
    return decodeURIComponent(location.hash.slice(6));
  } catch {
    return null; // a link that was cut or typed wrong
  }
}

if (location.hash.startsWith("#team=")) {
  const number = PAGE.teams.indexOf(linkedTeam());
  if (number >= 0) choice.value = String(number);
}
choice.addEventListener("change", choose);
choose();
Promise.all(exhibits.map((exhibit) => exhibit.view)).then(() => { document.body.dataset.drawn = "true"; });
