// The page itself: an operation, its variables, the answer, the schema.

import { loadSchema, showSchema } from "/query/schema.js";
import { ask, follow } from "/query/server.js";

const at = (name) => document.getElementById(name);
const ANSWERS_KEPT_MAX = 200;
const EXAMPLES = {
  "Status": "{\n  status { ready head projected warnings principal { role } }\n}\n",
  "Tasks": "query ($project: String) {\n  tasks(where: {project: $project}, first: 50) {\n    position\n    edges { node { id key title status session { id name } } }\n    pageInfo { hasNextPage endCursor }\n  }\n}\n",
  "Sessions": "{\n  sessions(first: 50) {\n    edges { node { id name tool status attempts { task { key } } } }\n  }\n}\n",
  "Locks": "{\n  locks(first: 50) {\n    edges { node { token claims { claim mode } session { name } task { key } } }\n  }\n}\n",
  "Follow the events": "subscription ($project: String, $after: Position) {\n  events(project: $project, after: $after) { position at type stream event }\n}\n",
  "Follow the board": "subscription ($project: String, $after: Position) {\n  taskBoard(project: $project, after: $after) { position task { key status } }\n}\n",
};

let types = [];
let running = null;

const state = (text) => { at("state").textContent = text; };

const show = (text, refused) => {
  at("answer").textContent = text;
  at("answer").classList.toggle("refused", refused);
};

const pretty = (value) => JSON.stringify(value, null, 2);

const run = async () => {
  stop();
  let variables;
  try {
    variables = JSON.parse(at("variables").value || "{}");
  } catch (problem) {
    show(`The variables are not JSON: ${problem.message}`, true);
    return;
  }
  const query = at("query").value;
  sessionStorage.setItem("query", query);
  const began = performance.now();
  if (/^\s*subscription\b/m.test(query)) {
    await stream(query, variables);
    return;
  }
  try {
    const answer = await ask(at("key").value, query, variables);
    show(pretty(answer), Boolean(answer.errors) || answer.ok === false);
    state(`${Math.round(performance.now() - began)} ms`);
  } catch (problem) {
    show(`The server did not answer: ${problem.message}`, true);
  }
};

const stream = async (query, variables) => {
  running = new AbortController();
  at("stop").disabled = false;
  const answers = [];
  const told = (answer) => {
    answers.unshift(pretty(answer));
    answers.length = Math.min(answers.length, ANSWERS_KEPT_MAX);
    show(answers.join("\n"), Boolean(answer.errors) || answer.ok === false);
  };
  const mine = running;
  await follow(at("key").value, query, variables, told, state, mine.signal);
  if (running === mine) stop();
};

const stop = () => {
  running?.abort();
  running = null;
  at("stop").disabled = true;
  state("");
};

const refreshSchema = async () => {
  sessionStorage.setItem("key", at("key").value);
  try {
    types = (await loadSchema(at("key").value)) ?? [];
  } catch {
    types = [];
  }
  draw();
  state(types.length > 0 ? "" : "the key opens nothing here, or may not read the schema");
};

const draw = () => showSchema(at("types"), types, at("find").value, insert);

const insert = (text) => {
  const editor = at("query");
  editor.setRangeText(text, editor.selectionStart, editor.selectionEnd, "end");
  editor.focus();
};

for (const name of Object.keys(EXAMPLES)) at("examples").append(new Option(name));
at("examples").addEventListener("change", (event) => { at("query").value = EXAMPLES[event.target.value]; });
at("run").addEventListener("click", run);
at("stop").addEventListener("click", stop);
at("key").addEventListener("change", refreshSchema);
at("find").addEventListener("input", draw);
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") run();
});
at("query").addEventListener("keydown", (event) => {
  if (event.key !== "Tab" || event.shiftKey) return;
  event.preventDefault();
  insert("  ");
});

at("query").value = sessionStorage.getItem("query") ?? EXAMPLES.Status;
at("key").value = sessionStorage.getItem("key") ?? "";
if (at("key").value) refreshSchema();
