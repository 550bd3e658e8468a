// The log: a window of bounded size on output of any length, that follows its end or stays where the reader is.

import { PLAIN, element, lastWriting, pieces } from "./ansi.js";

const TAIL = 200; // chunks read at once
const MOST_BYTES = 1024 * 1024; // an answer that is larger may have been cut
const MOST_LINES = 5000;
const MOST_CHARACTERS = 2000000;
const LONGEST_LINE = 4000;
const DRAWN_EVERY = 60; // milliseconds

export class Log {
  /** `root` is the live view, `url` answers with stretches of the log. */
  constructor(root, words, url) {
    [this.root, this.words, this.url] = [root, words, url];
    const find = (name) => root.querySelector(`[data-${name}]`);
    [this.box, this.lines, this.earlier, this.later] = ["log", "lines", "earlier", "later"].map(find);
    [this.button, this.count, this.news, this.empty] = ["follow", "log-count", "log-news", "empty"].map(find);
    this.filter = { step: "", host: "", search: "" };
    this.blocks = []; // what is shown, in order: {seq, count, size, element, step}
    this.total = { count: 0, size: 0 }; // lines and characters of them
    this.waiting = []; // live chunks that are not drawn yet
    this.held = 0; // characters of these
    this.following = true;
    this.last = 0; // the number up to which the window is complete while it follows
    this.missed = 0; // lines that came while it does not
    this.turn = 0; // answers to older questions are not wanted any more
    this.busy = false;
    this.earlier.addEventListener("click", () => this.more("earlier"));
    this.later.addEventListener("click", () => this.more("later"));
    this.button.addEventListener("click", () => (this.following ? this.pause() : this.reload()));
    this.box.addEventListener("scroll", () => this.scrolled());
  }

  /** Show the output of a step, of a host, or with some words alone. */
  narrow(filter) {
    Object.assign(this.filter, filter);
    return this.reload();
  }

  /** Show the end of the log and follow it. */
  async reload() {
    const turn = ++this.turn;
    [this.waiting, this.held] = [[], 0];
    this.setFollowing(true);
    this.missed = 0;
    this.loading = true;
    const answer = await this.read({ tail: TAIL });
    if (turn !== this.turn) return;
    this.loading = false;
    if (!answer) return;
    [this.blocks, this.total] = [[], { count: 0, size: 0 }];
    this.lines.replaceChildren();
    this.last = answer.next_after;
    this.earlier.hidden = !isFull(answer);
    this.later.hidden = true;
    this.append(answer.results);
    this.waiting = this.waiting.filter((chunk) => chunk.seq > this.last);
    this.draw();
  }

  /** Output that has just come. */
  live(chunk) {
    if (!this.matches(chunk)) return;
    if (!this.following) {
      this.miss(chunk);
      this.schedule();
      return;
    }
    if (chunk.seq <= this.last) return;
    this.waiting.push(chunk);
    this.held += chunk.text.length;
    // What is more than the window holds would push out all that is in it, and then itself.
    while (this.waiting.length > 1 && (this.waiting.length > MOST_LINES || this.held > MOST_CHARACTERS)) {
      this.held -= this.waiting.shift().text.length;
    }
    this.schedule();
  }

  schedule() {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      if (!this.loading) this.draw();
    }, DRAWN_EVERY);
  }

  draw() {
    if (this.following && this.waiting.length) {
      this.last = Math.max(this.last, this.waiting[this.waiting.length - 1].seq);
      this.append(this.waiting.splice(0));
      this.held = 0;
    }
    if (this.following) this.box.scrollTop = this.box.scrollHeight;
    this.tell();
  }

  tell() {
    this.count.textContent = `${this.words.of("lines")} ${this.total.count}`;
    this.news.textContent = this.missed ? `${this.words.of("news")} ${this.missed}` : "";
    this.empty.hidden = this.total.count > 0 || this.loading;
  }

  /** Stay where the reader is; what has not been drawn yet is among what comes later. */
  pause() {
    for (const chunk of this.waiting) this.miss(chunk);
    [this.waiting, this.held] = [[], 0];
    this.setFollowing(false);
    this.tell();
  }

  miss(chunk) {
    this.missed += lineCount(chunk.text);
    this.later.hidden = false;
  }

  setFollowing(following) {
    this.following = following;
    this.button.setAttribute("aria-pressed", String(following));
  }

  /** Reading back pauses; coming down to the end goes on. */
  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    const [up, end] = [scrollTop < (this.top ?? 0), scrollHeight - scrollTop - clientHeight < 4];
    this.top = scrollTop;
    if (this.following && up && !end && !this.loading) this.pause();
    else if (!this.following && !up && end && !this.busy) {
      if (this.later.hidden) this.reload();
      else this.more("later");
    }
  }

  /** Load what comes before or after the window; at its other end as much is left out. */
  async more(where) {
    if (this.busy || !this.blocks.length) return;
    this.pause();
    [this.busy, this.loading] = [true, false];
    const turn = ++this.turn;
    const [first, last] = [this.blocks[0], this.blocks[this.blocks.length - 1]];
    const ask = where === "earlier" ? { before: first.seq, tail: TAIL } : { after: last.seq, limit: TAIL };
    const answer = await this.read(ask);
    this.busy = false;
    if (turn !== this.turn || !answer) return;
    const [kept, whole] = half(answer.results, where === "earlier");
    const over = whole && !isFull(answer);
    const [edge, at] = where === "earlier" ? [first, first.element.offsetTop] : [last, last.element.offsetTop];
    if (where === "earlier") {
      this.prepend(kept);
      this.earlier.hidden = over;
    } else {
      this.append(kept);
      this.later.hidden = over;
      if (over) this.missed = 0;
    }
    // What was read stays where it was on the screen.
    this.box.scrollTop = this.top = this.box.scrollTop + edge.element.offsetTop - at;
    this.tell();
  }

  async read(query) {
    const given = Object.entries({ ...this.filter, ...query }).filter(([, value]) => value);
    try {
      const answer = await fetch(`${this.url}?${new URLSearchParams(given)}`, { cache: "no-store" });
      const data = await answer.json();
      if (answer.ok) return data;
      this.news.textContent = [data.detail || this.words.of("unread"), data.hint].filter(Boolean).join(" ");
    } catch {
      this.news.textContent = this.words.of("unread");
    }
    return null;
  }

  matches(chunk) {
    const { step, host, search } = this.filter;
    const found = !search || chunk.text.toLowerCase().includes(search.toLowerCase());
    return found && (!step || chunk.step === step) && (!host || chunk.host === host);
  }

  append(chunks) {
    const piece = document.createDocumentFragment();
    for (const chunk of chunks) {
      const block = this.block(chunk, this.blocks[this.blocks.length - 1]);
      this.blocks.push(block);
      piece.append(block.element);
    }
    this.lines.append(piece);
    while (this.tooLarge()) {
      this.drop(this.blocks.shift());
      this.earlier.hidden = false;
    }
    this.head(this.blocks[0], null);
  }

  prepend(chunks) {
    const made = [];
    for (const chunk of chunks) made.push(this.block(chunk, made[made.length - 1]));
    this.head(this.blocks[0], made[made.length - 1]);
    this.lines.prepend(...made.map((block) => block.element));
    this.blocks.unshift(...made);
    while (this.tooLarge()) {
      this.drop(this.blocks.pop());
      this.later.hidden = false;
    }
  }

  tooLarge() {
    return this.blocks.length > 1 && (this.total.count > MOST_LINES || this.total.size > MOST_CHARACTERS);
  }

  drop(block) {
    block.element.remove();
    this.total.count -= block.count;
    this.total.size -= block.size;
  }

  head(block, before) {
    if (block) block.element.classList.toggle("live-same", before?.name === block.name);
  }

  block(chunk, before) {
    const box = document.createElement("div");
    box.className = "live-block";
    const name = chunk.attempt > 1 ? `${chunk.step} #${chunk.attempt}` : chunk.step;
    const title = document.createElement("div");
    title.className = "live-block-title";
    title.textContent = name;
    box.append(title);
    const texts = chunk.text.split("\n");
    if (texts[texts.length - 1] === "") texts.pop();
    const block = { seq: chunk.seq, count: 0, size: 0, element: box, name };
    let style = PLAIN;
    for (const text of texts) {
      const cut = text.length > LONGEST_LINE;
      const [found, after] = pieces(lastWriting(cut ? text.slice(0, LONGEST_LINE) : text), style);
      style = after;
      const plain = found.map(([piece]) => piece).join("");
      const places = this.places(plain);
      if (this.filter.search && !places.length) continue;
      if (cut) found.push([` ${this.words.of("cut")}`, { ...PLAIN, italic: true }]);
      box.append(this.line(chunk.host, found, places));
      block.count += 1;
      block.size += plain.length;
    }
    this.total.count += block.count;
    this.total.size += block.size;
    box.hidden = !block.count;
    this.head(block, before);
    return block;
  }

  line(host, found, places) {
    const row = document.createElement("div");
    row.className = "live-line";
    const source = document.createElement("span");
    source.className = "live-source";
    source.textContent = `${host} `;
    const text = document.createElement("span");
    text.className = "live-text";
    let at = 0;
    for (const [piece, style] of found) {
      for (const [part, marked] of split(piece, at, places)) {
        const span = element(part, style);
        if (!marked) text.append(span);
        else {
          const mark = document.createElement("mark");
          mark.append(span);
          text.append(mark);
        }
      }
      at += piece.length;
    }
    row.append(source, text);
    return row;
  }

  /** Where the searched words are in a line: [begin, end]. */
  places(plain) {
    const wanted = this.filter.search.toLowerCase();
    if (!wanted) return [];
    const [found, text] = [[], plain.toLowerCase()];
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) found.push([at, at + wanted.length]);
    return found;
  }
}

function lineCount(text) {
  return text.split("\n").length - 1 || 1;
}

/** As many chunks from the begin, or the end, as half a window takes: the other half stays. And whether that is all. */
function half(chunks, fromEnd) {
  const order = fromEnd ? chunks.toReversed() : chunks;
  let [lines, characters] = [0, 0];
  const kept = order.filter((chunk, place) => {
    lines += lineCount(chunk.text);
    characters += chunk.text.length;
    return place === 0 || (lines <= MOST_LINES / 2 && characters <= MOST_CHARACTERS / 2);
  });
  return [fromEnd ? kept.toReversed() : kept, kept.length === chunks.length];
}

/** Whether there may be more where the answer came from: it was cut at so many chunks, or bytes. */
function isFull(answer) {
  const sizes = answer.results.map((chunk) => chunk.size);
  return sizes.length >= TAIL || sizes.reduce((sum, size) => sum + size, 0) > MOST_BYTES;
}

function split(piece, begin, places) {
  const parts = [];
  let at = 0;
  for (const [from, to] of places) {
    const [start, end] = [Math.max(0, from - begin), Math.min(piece.length, to - begin)];
    if (end <= at || start >= piece.length) continue;
    if (start > at) parts.push([piece.slice(at, start), false]);
    parts.push([piece.slice(Math.max(at, start), end), true]);
    at = end;
  }
  if (at < piece.length) parts.push([piece.slice(at), false]);
  return parts;
}
