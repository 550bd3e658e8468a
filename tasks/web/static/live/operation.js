// An operation live: reads its state, follows its events, and keeps the plan, the log and the summary up to date.

import { Log } from "./log.js";
import { Plan } from "./plan.js";
import { follow } from "./stream.js";
import { Words, badge, clock, part, say, showError } from "./words.js";

const ACTIVE = ["queued", "running", "cancelling"];
const FINAL = [401, 403, 404];
const LOOK_AGAIN = 20000; // milliseconds between looks whether an operation that is over was begun anew
const REREAD_AFTER = 1500; // milliseconds after a step has moved: its exact times, its result, its hosts

class Operation {
  constructor(root) {
    this.root = root;
    this.words = new Words(root);
    this.forms = Object.fromEntries(Array.from(root.querySelectorAll("form[data-action]"), (form) => [form.dataset.action, form]));
    this.plan = new Plan(root, this.words, this.forms, (what, step) => this.pressed(what, step));
    this.log = new Log(root, this.words, root.dataset.logUrl);
    this.title = document.title;
    this.state = {};
    this.ahead = 0; // milliseconds that the service's clock is ahead of this machine's
    this.filters = Object.fromEntries(["step", "host", "search"].map((name) => [name, root.querySelector(`[data-filter="${name}"]`)]));
    for (const [name, field] of Object.entries(this.filters)) this.listen(name, field);
    for (const form of Object.values(this.forms)) this.confirm(form);
    setInterval(() => this.tick(), 1000);
  }

  async begin() {
    while (!(await this.read())) {
      if (this.gone) return;
      await pause(3000);
    }
    await this.log.reload();
    this.last = this.state.event_seq;
    while (!this.gone) {
      await follow(this.root.dataset.eventsUrl, this.last, (...event) => this.take(...event), (news) => this.told(news));
      do await pause(LOOK_AGAIN);
      while (!this.gone && (document.hidden || !(await this.read()) || !ACTIVE.includes(this.state.state)));
    }
  }

  now() {
    return new Date(Date.now() + this.ahead);
  }

  /** Read the whole state; false where that failed. */
  async read() {
    const answer = await fetch(this.root.dataset.stateUrl, { cache: "no-store" }).catch(() => null);
    if (FINAL.includes(answer?.status)) this.told("gone");
    const state = answer?.ok ? await answer.json().catch(() => null) : null;
    if (!state) return false;
    this.ahead = new Date(state.now) - Date.now();
    this.state = state;
    this.plan.load(state);
    this.choices();
    this.show();
    return true;
  }

  take(kind, data, seq) {
    this.last = Math.max(this.last, seq);
    if (kind === "log") this.log.live({ ...data, seq });
    this.plan.apply(kind, data, this.now());
    if (kind === "operation" || kind === "end") {
      const again = ACTIVE.includes(data.state);
      Object.assign(this.state, data, again ? { finished_at: null } : {});
    }
    if (kind !== "log") this.show();
    if (kind === "step" || kind === "end") this.rereadSoon();
  }

  rereadSoon() {
    this.rereading ??= setTimeout(() => {
      this.rereading = null;
      this.read();
    }, REREAD_AFTER);
  }

  told(news) {
    this.gone = this.gone || news === "gone";
    const element = part(this.root, "connection");
    const before = element.dataset.state;
    if (before === news) return;
    element.dataset.state = news;
    element.textContent = this.words.of(news);
    if (news === "gone" && this.root.dataset.loginUrl) element.append(" ", this.words.link("login", this.root.dataset.loginUrl));
    if (before === "lost" && news === "following") this.rereadSoon();
  }

  show() {
    const { state, root, words } = this;
    root.dataset.state = state.state;
    badge(part(root, "state"), state.state, words);
    const percent = `${Math.floor(state.progress)} %`; // 100 % is done, and nothing else is
    root.querySelector(".live-summary progress").value = state.progress;
    part(root, "percent").textContent = percent;
    part(root, "counts").textContent = this.plan.counts();
    root.querySelector('[data-shown="attempt"]').hidden = state.attempt < 2;
    part(root, "attempt").textContent = state.attempt;
    const place = [state.error?.step, state.error?.host].filter(Boolean).join(" · ");
    showError(root.querySelector(".live-head > .live-error"), state.error, words, place);
    const active = ACTIVE.includes(state.state);
    if (this.forms.cancel) this.forms.cancel.hidden = !active || state.state === "cancelling";
    if (this.forms.retry) this.forms.retry.hidden = !["failed", "cancelled"].includes(state.state);
    document.title = `${active ? percent : words.of(state.state, "state")} · ${this.title}`;
    this.tick();
  }

  tick() {
    const { started_at: began, finished_at: over, state } = this.state;
    if (!state) return;
    const end = over ? new Date(over) : this.now();
    say(part(this.root, "time"), began ? clock((end - new Date(began)) / 1000) : "–");
    this.plan.tick(this.now());
  }

  // What is asked for

  choices() {
    const add = (select, values) => {
      const there = new Set(Array.from(select.options, (option) => option.value));
      for (const [value, text] of values) if (!there.has(value)) select.append(new Option(text, value));
    };
    add(this.filters.step, this.state.steps.map((step) => [step.key, step.title || step.key]));
    const hosts = new Set(this.state.steps.flatMap((step) => step.hosts.map((host) => host.host)));
    const name = (host) => (host === "service" ? this.words.of("service") : host);
    add(this.filters.host, Array.from(hosts).sort().map((host) => [host, name(host)]));
  }

  listen(name, field) {
    let timer;
    field.addEventListener(name === "search" ? "input" : "change", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.narrow(), name === "search" ? 300 : 0);
    });
  }

  narrow() {
    const filter = Object.fromEntries(Object.entries(this.filters).map(([name, field]) => [name, field.value]));
    const chosen = new URLSearchParams(Object.entries(filter).filter(([name, value]) => value && name !== "search"));
    const link = this.root.querySelector("[data-download]");
    link.href = chosen.size ? `${this.root.dataset.textUrl}?${chosen}` : this.root.dataset.textUrl;
    return this.log.narrow(filter);
  }

  pressed(what, step) {
    if (what === "log") {
      this.filters.step.value = step.key;
      this.filters.host.value = this.filters.search.value = "";
      this.narrow();
      this.root.querySelector(".live-output").scrollIntoView({ block: "nearest" });
      return;
    }
    const form = this.forms[what];
    form.elements[what === "retry" ? "from_step" : "step"].value = step.key;
    this.ask(form, step.title || step.key);
  }

  confirm(form) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (form.elements.from_step) form.elements.from_step.value = "";
      this.ask(form, "");
    });
  }

  /** Nothing is changed by one press alone. */
  ask(form, step) {
    const dialog = this.root.querySelector("[data-dialog]");
    const find = (name) => dialog.querySelector(`[data-dialog-${name}]`);
    find("no").onclick = () => dialog.close("no");
    const verb = form.dataset.verb;
    find("title").textContent = find("yes").textContent = verb;
    say(find("step"), step);
    find("effect").textContent = form.dataset.effect;
    const reason = find("reason");
    const wanted = "reason" in form.dataset;
    reason.hidden = !wanted;
    const field = reason.querySelector("input");
    field.required = wanted;
    field.value = "";
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => this.answered(dialog, form, wanted ? field.value : ""), { once: true });
    dialog.showModal();
  }

  answered(dialog, form, reason) {
    if (dialog.returnValue !== "yes") return;
    if (form.elements.reason) form.elements.reason.value = reason;
    form.submit();
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

for (const root of document.querySelectorAll("[data-live]")) new Operation(root).begin();
