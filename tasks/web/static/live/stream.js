// Server-sent events by fetch: unlike EventSource it tells why it was refused, and notices a connection that is silent.

const SILENT = 40000; // the service says something every 15 s
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;
const FINAL = [401, 403, 404];

class Lost extends Error {}

/**
 * Follow a stream until its `end`, however often it breaks; events are given on once each, in order.
 * `take(kind, data, number)` gets them; `told` hears "following", "lost", "over" or "gone" (no right to it any more).
 */
export async function follow(url, after, take, told) {
  let last = after;
  let wait = FIRST_WAIT;
  for (;;) {
    let pause = 0;
    try {
      const answer = await open(url, last);
      if (answer.refused) {
        if (FINAL.includes(answer.refused)) return told("gone");
        pause = answer.pause;
      } else {
        told("following");
        wait = FIRST_WAIT;
        for await (const frame of answer.frames) {
          if (!frame.event) continue;
          if (frame.id > last) last = frame.id;
          take(frame.event, frame.data, frame.id);
          if (frame.event === "end") return told("over");
        }
      }
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
    }
    told("lost");
    await woken(Math.max(pause, wait * (0.75 + Math.random() / 2)));
    wait = Math.min(LONGEST_WAIT, wait * 2);
  }
}

async function open(url, last) {
  const control = new AbortController();
  const abort = () => control.abort();
  let watch = setTimeout(abort, SILENT);
  const heard = () => {
    clearTimeout(watch);
    watch = setTimeout(abort, SILENT);
  };
  const done = () => {
    clearTimeout(watch);
    removeEventListener("offline", abort);
  };
  addEventListener("offline", abort);
  const headers = { Accept: "text/event-stream", "Last-Event-ID": String(last) };
  const asked = sure(fetch(url, { headers, cache: "no-store", signal: control.signal }));
  asked.catch(done);
  const answer = await asked;
  if (!answer.ok) {
    done();
    abort();
    return { refused: answer.status, pause: 1000 * Number(answer.headers.get("Retry-After") || 0) };
  }
  return { frames: read(answer.body.getReader(), heard, done) };
}

/** What the network refuses is `Lost`; any other error is one of ours. */
async function sure(promise) {
  try {
    return await promise;
  } catch (error) {
    throw new Lost(error.message);
  }
}

async function* read(reader, heard, done) {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { value, done: over } = await sure(reader.read());
      if (over) return;
      heard();
      const parts = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = parts.pop();
      for (const part of parts) yield frame(part);
    }
  } finally {
    done();
    reader.cancel().catch(() => {});
  }
}

function frame(text) {
  const found = { event: "", data: null, id: 0 };
  for (const line of text.split("\n")) {
    const colon = line.indexOf(": ");
    const [name, value] = [line.slice(0, colon), line.slice(colon + 2)];
    if (name === "event") found.event = value;
    else if (name === "data") found.data = JSON.parse(value);
    else if (name === "id") found.id = Number(value);
  }
  return found;
}

/** After so many milliseconds, or as soon as the machine is online again. */
function woken(milliseconds) {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      removeEventListener("online", wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    addEventListener("online", wake);
  });
}
