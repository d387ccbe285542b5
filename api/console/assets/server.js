// How the page speaks to the server: one answer, or a stream that goes on where it broke off.

const headers = (key) => ({ "authorization": `Bearer ${key.trim()}`, "content-type": "application/json" });

export const ask = async (key, query, variables) => {
  const response = await fetch("/graphql", {
    method: "POST", headers: headers(key), body: JSON.stringify({ query, variables }),
  });
  return response.json();
};

const PAUSE_MILLISECONDS_MAX = 10_000;

// Calls `told` with each answer until `signal` is aborted; after a break it goes on behind the last position.
export const follow = async (key, query, variables, told, state, signal) => {
  let pause = 250;
  let position = null;
  while (!signal.aborted) {
    try {
      const asked = position === null ? variables : { ...variables, after: position };
      const response = await fetch("/graphql/stream", {
        method: "POST", headers: headers(key), body: JSON.stringify({ query, variables: asked }), signal,
      });
      if (!response.ok) { told(await response.json()); return; }
      state("following");
      for await (const event of events(response.body)) {
        pause = 250;
        if (event.id !== null) position = Number(event.id);
        if (event.name === "complete") return;
        if (event.data) told(JSON.parse(event.data));
      }
    } catch (problem) {
      if (signal.aborted) return;
      state(`broke off (${problem.message}), trying again`);
    }
    if (!canResume(query)) return;
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(PAUSE_MILLISECONDS_MAX, pause * 2);
  }
};

// A subscription can go on by itself only where its position is a variable.
const canResume = (query) => /after\s*:\s*\$after\b/.test(query);

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (true) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    let end = text.indexOf("\n\n");
    while (end >= 0) {
      const event = parse(text.slice(0, end));
      text = text.slice(end + 2);
      if (event !== null) yield event;
      end = text.indexOf("\n\n");
    }
  }
}

const parse = (text) => {
  const event = { name: "", id: null, data: "" };
  for (const line of text.split("\n")) {
    if (line.startsWith("event: ")) event.name = line.slice(7);
    else if (line.startsWith("id: ")) event.id = line.slice(4);
    else if (line.startsWith("data: ")) event.data += line.slice(6);
  }
  return event.name === "" ? null : event;
};
