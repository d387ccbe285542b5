// The schema beside the editor: what there is, found by a piece of its name.

import { ask } from "/query/server.js";

const TYPE = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
const QUESTION = `{ __schema { types { kind name description
  fields { name description args { name type { ${TYPE} } } type { ${TYPE} } }
  inputFields { name type { ${TYPE} } } enumValues { name } } } }`;
const SHOWN_MAX = 40;
const ROOTS = ["Query", "Mutation", "Subscription"];

export const loadSchema = async (key) => {
  const answer = await ask(key, QUESTION, {});
  if (!answer.data) return null;
  const types = answer.data.__schema.types.filter((type) => !type.name.startsWith("__"));
  const rank = (type) => (ROOTS.includes(type.name) ? ROOTS.indexOf(type.name) : ROOTS.length);
  return types.sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
};

const words = (type) => {
  if (type.kind === "NON_NULL") return `${words(type.ofType)}!`;
  if (type.kind === "LIST") return `[${words(type.ofType)}]`;
  return type.name ?? "…";
};

const lines = (type) => [
  ...(type.fields ?? []).map((field) => ({
    name: field.name,
    text: `${field.name}${field.args.length ? `(${field.args.map((arg) => `${arg.name}: ${words(arg.type)}`).join(", ")})` : ""}: ${words(field.type)}`,
    title: field.description ?? "",
  })),
  ...(type.inputFields ?? []).map((field) => ({ name: field.name, text: `${field.name}: ${words(field.type)}`, title: "" })),
  ...(type.enumValues ?? []).map((value) => ({ name: value.name, text: value.name, title: "" })),
];

// Everything that is shown is text, never markup.
const element = (name, text) => {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
};

export const showSchema = (place, types, piece, chosen) => {
  const wanted = piece.trim().toLowerCase();
  const found = types
    .map((type) => {
      const all = lines(type);
      const named = type.name.toLowerCase().includes(wanted);
      return { type, lines: named ? all : all.filter((line) => line.name.toLowerCase().includes(wanted)), named };
    })
    .filter((one) => one.named || one.lines.length > 0);
  place.replaceChildren();
  for (const { type, lines: shown } of found.slice(0, SHOWN_MAX)) {
    place.append(element("h2", type.name));
    if (type.description) place.append(element("p", type.description));
    for (const line of shown) {
      const button = element("button", line.text);
      button.title = line.title;
      button.addEventListener("click", () => chosen(line.name));
      place.append(button);
    }
  }
  if (found.length > SHOWN_MAX) place.append(element("p", `and ${found.length - SHOWN_MAX} more types`));
};
