"use strict";
// The console: no framework, no network but this server. All texts go in as text, never as markup.

const $ = (id) => document.getElementById(id);
const query = $("query"), variables = $("variables"), choices = $("choices"), page = $("page");

const EXAMPLES = [
  ["What is here?", `{
  sync { clusters { name reachable complete lagSeconds objects } }
  facets(by: [{ by: CLUSTER }, { by: KIND }]) {
    buckets { value count sub { value count } }
  }
}`],
  ["Who stands behind each service?", `query Instances($namespace: String) {
  assets(filter: { kind: { eq: "Service" }, namespace: { eq: $namespace } }, first: 20) {
    nodes {
      cluster namespace name
      ... on Service {
        type
        instances(first: 10) {
          total ready stale
          edges { ready serving terminating addresses zone nodeName node { __typename name } }
        }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}`, { namespace: "default" }],
  ["What uses a secret?", `query UsedBy($name: String!) {
  assets(filter: { kind: { eq: "Secret" }, name: { eq: $name } }) {
    nodes {
      cluster namespace name dangling
      ... on Secret { usedBy { totalCount { value } edges { node { kind name } detail { via optional } } } }
    }
  }
}`, { name: "db" }],
  ["What is referred to but not there?", `{
  assets(filter: { dangling: true }) {
    totalCount { value }
    nodes { cluster kind namespace name edges(direction: IN, first: 5) { edges { relation node { kind name } } } }
  }
}`],
  ["What runs on a node?", `query OnNode($name: String!) {
  assets(filter: { kind: { eq: "Node" }, name: { eq: $name } }) {
    nodes {
      name
      ... on Node {
        zone ready
        pods(first: 100) { totalCount { value } nodes { namespace name ... on Pod { phase ready workload { kind name } } } }
      }
    }
  }
}`, { name: "node-1" }],
  ["What surrounds an asset?", `query Around($cluster: String!, $namespace: String!, $name: String!) {
  topology(
    roots: [{ key: { cluster: $cluster, kind: "Service", namespace: $namespace, name: $name } }]
    expand: { maxDepth: 2, maxNodes: 100 }
  ) {
    nodes { depth asset { kind namespace name } hiddenEdges { value } }
    edges { relation source { name } target { name } }
    truncation { reason at skipped }
  }
}`, { cluster: "prod", namespace: "default", name: "web" }],
  ["What happened lately?", `{
  assets(orderBy: CHANGED_DESC, first: 10) {
    nodes { kind namespace name changedAt history(first: 3) { nodes { op at fields { path before after } } } }
  }
}`],
];

const INTROSPECTION = `{ __schema { queryType { name } types { kind name description
  fields { name description type { ...T } args { name description defaultValue type { ...T } } }
  inputFields { name description defaultValue type { ...T } } enumValues { name description }
  interfaces { name } possibleTypes { name } } } }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }`;

let types = new Map(), rootName = "Query";

async function send(text, values) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ query: text, variables: values }),
  });
  return { status: response.status, body: await response.json() };
}

async function run() {
  let values;
  try {
    values = JSON.parse(variables.value.trim() || "{}");
  } catch (error) {
    return say(`Variables are no JSON: ${error.message}`);
  }
  remember();
  say("Asking…");
  const start = performance.now();
  try {
    const { status, body } = await send(query.value, values);
    const took = Math.round(performance.now() - start);
    $("result").textContent = JSON.stringify("data" in body ? { data: body.data, errors: body.errors } : body, null, 2);
    showFreshness(body.extensions && body.extensions.freshness);
    const errors = (body.errors || []).length;
    say(`${status} in ${took} ms${errors ? `, ${errors} error${errors > 1 ? "s" : ""}` : ""}`);
  } catch (error) {
    say(`No answer: ${error.message}`);
  }
}

function say(text) { $("status").textContent = text; }

function age(seconds) {
  if (seconds == null) return "never proven current";
  if (seconds < 120) return `${Math.round(seconds)} s old`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min old`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h old`;
  return `${Math.round(seconds / 86400)} days old`;
}

function showFreshness(f) {
  const line = $("freshness");
  line.className = f && f.complete ? "good" : "warn";
  if (!f) { line.textContent = ""; return; }
  const parts = [f.complete ? "Complete and current" : "Not complete or not current", `as of ${f.asOf}`];
  if (f.complete && f.maxLagSeconds != null) parts.push(`at most ${age(f.maxLagSeconds)}`);
  for (const s of f.staleClusters) parts.push(`${s.cluster}: ${s.reason.toLowerCase()}, ${age(s.lagSeconds)}`);
  for (const i of f.incomplete.slice(0, 5)) parts.push(`${i.cluster}/${i.kind}: ${i.reason.toLowerCase()}`);
  if (f.incomplete.length > 5) parts.push(`and ${f.incomplete.length - 5} more kinds`);
  line.textContent = parts.join(" · ");
}

function remember() {
  try { localStorage.setItem("planisphere", JSON.stringify([query.value, variables.value])); } catch { /* private mode */ }
}

// ---- completion ----

const bare = (type) => { while (type && type.ofType) type = type.ofType; return type && types.get(type.name); };
const member = (type, name) => type && (type.fields || []).find((f) => f.name === name);
const TOKEN = /"""[^]*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?|#[^\n]*|\.\.\.|\$?[_A-Za-z][_0-9A-Za-z]*|[{}()[\]:!=@|&]|-?\d[\d.eE+-]*/g;

// What may stand at the end of `text`: [name, hint] pairs.
function expected(text) {
  const root = types.get(rootName);
  const outer = [], inner = [];          // selection types; argument lists around the cursor
  let next = root, field = null, value = null, before = "", naming = false;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token[0] === "#") continue;
    const top = inner[inner.length - 1];
    if (inner.length) {
      if (token === "(" || token === "{") { inner.push((value && value.inputFields) || []); value = null; }
      else if (token === ")" || token === "}") { inner.pop(); value = null; }
      else if (token === ":") value = bare((top.find((a) => a.name === before) || {}).type);
      else if (before === ":" && token !== "[") value = null;
    } else if (token === "{") { outer.push(next); next = null; }
    else if (token === "}") { outer.pop(); next = outer[outer.length - 1]; }
    else if (token === "(") inner.push(outer.length && field ? field.args : []);
    else if (/^[_A-Za-z]/.test(token)) {
      if (before === "..." && token === "on") naming = true;
      else if (naming || (!outer.length && before === "on")) { next = types.get(token); naming = false; }
      else if (!outer.length) { if (token === "query") next = root; }
      else if (before !== "..." && before !== "@") { field = member(outer[outer.length - 1], token); next = field && bare(field.type); }
    } else if (token === "...") next = outer[outer.length - 1];
    before = token;
  }
  if (naming) return [...types.values()].filter((t) => t.kind === "OBJECT" || t.kind === "INTERFACE").map((t) => [t.name, ""]);
  if (inner.length) {
    if (before === ":" || before === "[") {
      if (value && value.enumValues) return value.enumValues.map((v) => [v.name, ""]);
      return value && value.name === "Boolean" ? [["true", ""], ["false", ""]] : [];
    }
    return inner[inner.length - 1].map((a) => [a.name, written(a.type)]);
  }
  const type = outer[outer.length - 1];
  if (!type) return outer.length ? [] : [["query", ""], ["fragment", ""]];
  const own = (type.fields || []).map((f) => [f.name, written(f.type)]);
  const on = (type.possibleTypes || []).map((t) => [`... on ${t.name}`, ""]);
  return [...own, ["__typename", "String!"], ...on];
}

function written(type) {
  if (type.kind === "NON_NULL") return `${written(type.ofType)}!`;
  return type.kind === "LIST" ? `[${written(type.ofType)}]` : type.name;
}

let picked = 0, offered = [], prefix = "";

function offer(explicit) {
  const text = query.value.slice(0, query.selectionStart);
  prefix = (/[_A-Za-z][_0-9A-Za-z]*$/.exec(text) || [""])[0];
  if (!types.size || (!explicit && !prefix)) return close();
  const lower = prefix.toLowerCase();
  const all = expected(text.slice(0, text.length - prefix.length));
  const starts = all.filter(([n]) => n.toLowerCase().startsWith(lower));
  const holds = all.filter(([n]) => !n.toLowerCase().startsWith(lower) && n.toLowerCase().includes(lower));
  offered = [...starts, ...holds].filter(([n]) => n !== prefix).slice(0, 60);
  if (!offered.length) return close();
  picked = 0;
  choices.replaceChildren(...offered.map(([name, hint], i) => {
    const item = element("li", name + " ");
    item.id = `choice-${i}`;
    item.setAttribute("role", "option");
    item.append(element("span", hint, "soft"));
    item.addEventListener("mousedown", (event) => { event.preventDefault(); picked = i; accept(); });
    return item;
  }));
  const lines = text.split("\n"), column = lines[lines.length - 1].length - prefix.length;
  const width = measure();
  choices.style.left = `${Math.max(0, Math.min(8 + column * width - query.scrollLeft, query.clientWidth - 220))}px`;
  choices.style.top = `${query.offsetTop + 10 + lines.length * 18 - query.scrollTop}px`;
  choices.hidden = false;
  query.setAttribute("aria-expanded", "true");
  mark();
}

function measure() {
  const canvas = measure.canvas || (measure.canvas = document.createElement("canvas").getContext("2d"));
  canvas.font = getComputedStyle(query).font;
  return canvas.measureText("0").width;
}

function mark() {
  [...choices.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === picked)));
  query.setAttribute("aria-activedescendant", `choice-${picked}`);
  choices.children[picked].scrollIntoView({ block: "nearest" });
}

function close() {
  choices.hidden = true;
  query.setAttribute("aria-expanded", "false");
  query.removeAttribute("aria-activedescendant");
}

function accept() {
  const end = query.selectionStart;
  query.setRangeText(offered[picked][0], end - prefix.length, end, "end");
  close();
  query.focus();
}

query.addEventListener("keydown", (event) => {
  if (event.key === " " && event.ctrlKey) { event.preventDefault(); return offer(true); }
  if (choices.hidden) {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      // Keeps the indentation, one level deeper after a brace.
      const line = query.value.slice(0, query.selectionStart).split("\n").pop();
      const indent = /^\s*/.exec(line)[0] + (/[{(]\s*$/.test(line) ? "  " : "");
      event.preventDefault();
      query.setRangeText(`\n${indent}`, query.selectionStart, query.selectionEnd, "end");
    }
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) { picked = (picked + step + offered.length) % offered.length; mark(); }
  else if ((event.key === "Enter" && !event.ctrlKey) || event.key === "Tab") accept();
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
});
query.addEventListener("input", () => offer(false));
query.addEventListener("blur", close);
query.addEventListener("scroll", close);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); close(); run(); }
});

// ---- schema ----

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text != null) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function link(name) {
  const button = element("button", name, "type");
  button.type = "button";
  button.addEventListener("click", () => show(name));
  return button;
}

function typed(type) {
  if (type.kind === "NON_NULL") return [...typed(type.ofType), "!"];
  return type.kind === "LIST" ? ["[", ...typed(type.ofType), "]"] : [link(type.name)];
}

let trail = [];

function show(name) {
  const type = types.get(name);
  if (!type) return;
  const at = trail.indexOf(name);
  trail = at < 0 ? [...trail, name].slice(-6) : trail.slice(0, at + 1);
  $("trail").replaceChildren(...trail.slice(0, -1).flatMap((n) => [link(n), " › "]));
  const parts = [element("h2", `${type.kind.toLowerCase().replace("_", " ")} ${name}`), element("p", type.description)];
  const list = element("dl");
  for (const f of [...(type.fields || []), ...(type.inputFields || [])]) entry(list, f);
  for (const v of type.enumValues || []) list.append(element("dt", v.name), element("dd", v.description));
  parts.push(list);
  for (const [label, all] of [["Implements", type.interfaces], ["Possible types", type.possibleTypes]]) {
    if (!all || !all.length) continue;
    const line = element("p", `${label}: `);
    line.append(...all.flatMap((t) => [link(t.name), " "]));
    parts.push(line);
  }
  page.replaceChildren(...parts);
}

function entry(list, field, owner) {
  const head = element("dt", owner ? `${owner}.${field.name}` : field.name);
  const args = field.args || [];
  if (args.length) {
    head.append("(");
    args.forEach((a, i) => {
      head.append(i ? ", " : "", `${a.name}: `, ...typed(a.type), a.defaultValue ? ` = ${a.defaultValue}` : "");
    });
    head.append(")");
  }
  head.append(": ", ...typed(field.type), field.defaultValue ? ` = ${field.defaultValue}` : "");
  list.append(head, element("dd", field.description));
}

function find(words) {
  const lower = words.trim().toLowerCase();
  if (!lower) return show(trail[trail.length - 1] || rootName);
  const list = element("dl");
  const named = [...types.values()].filter((t) => t.name.toLowerCase().includes(lower) && !t.name.startsWith("__"));
  for (const type of named) {
    const head = element("dt");
    head.append(link(type.name));
    list.append(head, element("dd", type.description));
  }
  for (const type of types.values()) {
    if (type.name.startsWith("__") || (type.interfaces || []).length) continue;
    for (const f of type.fields || []) if (f.name.toLowerCase().includes(lower)) entry(list, f, type.name);
  }
  page.replaceChildren(list.children.length ? list : element("p", "Nothing of that name."));
}

$("find").addEventListener("input", (event) => find(event.target.value));
$("run").addEventListener("click", run);
$("docs-toggle").addEventListener("click", (event) => {
  const hidden = document.querySelector("main").classList.toggle("plain");
  event.currentTarget.setAttribute("aria-expanded", String(!hidden));
});
$("examples").append(...EXAMPLES.map(([name], i) => { const o = element("option", name); o.value = i; return o; }));
$("examples").addEventListener("change", (event) => {
  const chosen = EXAMPLES[event.target.value];
  if (!chosen) return;
  query.value = chosen[1];
  variables.value = JSON.stringify(chosen[2] || {}, null, 2);
  run();
});

try {
  [query.value, variables.value] = JSON.parse(localStorage.getItem("planisphere")) || [EXAMPLES[0][1], "{}"];
} catch {
  query.value = EXAMPLES[0][1];
}
send(INTROSPECTION, {}).then(({ body }) => {
  const schema = body.data.__schema;
  types = new Map(schema.types.map((t) => [t.name, t]));
  rootName = schema.queryType.name;
  show(rootName);
}).catch((error) => say(`The schema could not be read: ${error.message}`));
