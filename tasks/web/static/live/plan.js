// The plan: each step with its state, attempts, hosts, running time, and its error with what to do.

import { AtWork } from "./at_work.js";
import { DONE, Stages } from "./stages.js";
import { badge, clock, part, say, showError } from "./words.js";

const ENDED = ["succeeded", "failed", "cancelled", "skipped"];
const HOST_ENDED = ["succeeded", "failed", "lost", "cancelled"];
const MOST_NAMED = 2; // of the steps that one waits for
const QUIET = 20; // seconds without output after which it is said

export class Plan {
  /** `actions`: which buttons there are; `on` is called with "log", "retry" or "skip" and a step's key. */
  constructor(root, words, actions, on) {
    [this.words, this.actions, this.on] = [words, actions, on];
    this.steps = new Map();
    this.stages = new Stages(root.querySelector("[data-steps]"), words);
    this.atWork = new AtWork(part(root, "now"), words);
    this.operation = "";
  }

  /** Take in the whole state. */
  load(state) {
    this.operation = state.state;
    for (const step of this.stages.ordered(state.steps)) {
      const hosts = new Map(step.hosts.map((host) => [host.host, host]));
      Object.assign((this.steps.get(step.key) ?? this.add(step)).data, step, { hosts });
    }
    this.showAll();
  }

  /** Take in one event. `now` is the service's time. */
  apply(kind, data, now) {
    if (kind === "step" && this.steps.has(data.key)) {
      const row = this.steps.get(data.key);
      const before = row.data;
      const moved = before.state !== data.state || before.attempt !== data.attempt;
      const times = moved ? this.times(data.state, before, now) : {};
      row.data = { ...before, ...data, ...times, title: before.title }; // an event's title is in English
      if (moved && data.attempt !== before.attempt) row.data.hosts = new Map();
      if (moved) this.showAll(); // others may wait for it
      else this.show(row);
    } else if (kind === "job" && this.steps.has(data.step)) {
      const row = this.steps.get(data.step);
      const known = row.data.hosts.get(data.host) || { started_at: now.toISOString() };
      const over = HOST_ENDED.includes(data.state) ? { finished_at: known.finished_at || now.toISOString() } : {};
      row.data.hosts.set(data.host, { ...known, finished_at: null, ...over, ...data, host: data.host });
      this.show(row);
    } else if (kind === "log" && this.steps.has(data.step)) {
      const host = this.steps.get(data.step).data.hosts.get(data.host);
      if (host) host.last_output_at = now.toISOString();
    } else if (kind === "operation" || kind === "end") {
      if (this.operation === data.state) return;
      this.operation = data.state;
      this.showAll();
    }
  }

  showAll() {
    for (const row of this.steps.values()) this.show(row);
    this.stages.show(this.steps);
    this.atWork.show(this.steps);
  }

  times(state, before, now) {
    if (state === "running") return { started_at: before.state === "running" ? before.started_at : now.toISOString(), finished_at: null };
    return ENDED.includes(state) ? { finished_at: now.toISOString() } : { started_at: null, finished_at: null };
  }

  counts() {
    const steps = Array.from(this.steps.values(), (row) => row.data);
    return `${steps.filter((step) => DONE.includes(step.state)).length} / ${steps.length}`;
  }

  /** What changes with the time alone. */
  tick(now) {
    for (const row of this.steps.values()) {
      if (row.data.state !== "running") continue;
      part(row.element, "time").textContent = this.time(row.data, now);
      for (const [name, element] of row.hosts) this.hostTime(element, row.data.hosts.get(name), now);
    }
  }

  add(step) {
    const element = this.words.copy("step");
    const row = { element, data: { hosts: new Map(), after: [] }, hosts: new Map(), opened: false };
    for (const [selector, what] of [["[data-show-log]", "log"], ["[data-retry-from]", "retry"], ["[data-skip]", "skip"]]) {
      element.querySelector(selector).addEventListener("click", () => this.on(what, row.data));
    }
    element.dataset.step = step.key;
    this.steps.set(step.key, row);
    this.stages.place(step).append(element);
    return row;
  }

  show(row) {
    const { element, data } = row;
    element.dataset.state = data.state;
    badge(part(element, "state"), data.state, this.words);
    part(element, "title").textContent = data.title || data.key;
    part(element, "title").title = data.key;
    say(part(element, "outcome"), data.outcome ? this.words.of(data.outcome, "outcome") : "");
    say(part(element, "attempt"), data.attempt > 1 ? `${this.words.of("attempt")} ${data.attempt}` : "");
    say(part(element, "time"), this.time(data, null));
    say(part(element, "note"), data.note === data.error?.message ? "" : data.note || "");
    say(part(element, "after"), this.waiting(data));
    const progress = element.querySelector(":scope > progress");
    progress.hidden = data.state !== "running";
    progress.value = data.progress || 0;
    showError(element.querySelector(":scope > .live-error"), data.error, this.words, data.error?.host || "");
    const over = ["failed", "cancelled"].includes(this.operation);
    element.querySelector("[data-retry-from]").hidden = !(this.actions.retry && over && ENDED.includes(data.state));
    element.querySelector("[data-skip]").hidden = !(this.actions.skip && this.operation === "failed" && data.state === "failed");
    element.querySelector("[data-show-log]").hidden = !data.started_at && !data.hosts.size;
    this.showHosts(row);
  }

  /** What a step still waits for. */
  waiting(data) {
    if (data.state !== "pending") return "";
    const open = data.after.map((key) => this.steps.get(key)?.data).filter((step) => step && !DONE.includes(step.state));
    const titles = open.slice(0, MOST_NAMED).map((step) => step.title || step.key);
    if (open.length > MOST_NAMED) titles.push(`+ ${open.length - MOST_NAMED}`);
    return titles.length ? `${this.words.of("waits")} ${titles.join(this.words.of("comma"))}` : "";
  }

  showHosts(row) {
    const { element, data } = row;
    const names = Array.from(data.hosts.keys()).sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
    const box = element.querySelector("details");
    box.hidden = !names.length || (names.length === 1 && names[0] === "service" && !data.hosts.get("service").note);
    const ended = names.filter((name) => data.hosts.get(name).state === "succeeded").length;
    part(element, "host-counts").textContent = `${ended} / ${names.length}`;
    // Opened once, where there is something to see; then it is the reader's.
    if (!row.opened && ["running", "failed"].includes(data.state) && names.length) row.opened = box.open = true;
    if (row.opened && DONE.includes(data.state) && !row.closed) {
      row.closed = true;
      box.open = false;
    }
    const list = element.querySelector(".live-hosts");
    for (const [name, one] of row.hosts) {
      if (data.hosts.has(name)) continue;
      one.remove();
      row.hosts.delete(name);
    }
    for (const name of names) {
      if (!row.hosts.has(name)) {
        row.hosts.set(name, this.words.copy("host"));
      }
      this.showHost(row.hosts.get(name), data.hosts.get(name));
    }
    const order = names.map((name) => row.hosts.get(name));
    if (order.some((one, place) => list.children[place] !== one)) list.replaceChildren(...order);
  }

  showHost(element, host) {
    badge(part(element, "state"), host.state, this.words);
    part(element, "name").textContent = host.host === "service" ? this.words.of("service") : host.host;
    const running = host.state === "running";
    const facts = [running && host.phase && this.words.of(host.phase, "phase")];
    facts.push(host.outcome && this.words.of(host.outcome, "outcome"));
    if (host.exit_code) facts.push(`${this.words.of("exit-code")} ${host.exit_code}`);
    say(part(element, "facts"), facts.filter(Boolean).join(" · "));
    const progress = part(element, "progress");
    progress.hidden = !(running && host.progress > 0);
    progress.value = host.progress || 0;
    say(part(element, "note"), host.error?.message || host.note || "");
    this.hostTime(element, host, null);
  }

  hostTime(element, host, now) {
    if (!host) return;
    let text = this.time(host, now);
    if (now && host.state === "running") {
      const [away, heard] = [host.unreachable_since, host.last_output_at].map((at) => (at ? (now - new Date(at)) / 1000 : 0));
      if (away) text += ` · ${this.words.of("away")} ${clock(away)}`;
      else if (heard > QUIET) text += ` · ${this.words.of("silent")} ${clock(heard)}`;
    }
    if (now || !element.dataset.timed || host.state !== "running") say(part(element, "time"), text);
    element.dataset.timed = "1";
  }

  time(data, now) {
    if (!data.started_at) return "";
    const end = data.finished_at ? new Date(data.finished_at) : now;
    return end ? clock((end - new Date(data.started_at)) / 1000) : "";
  }
}
