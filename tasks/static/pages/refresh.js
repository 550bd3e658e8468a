/* Parts of a page that are read anew: <div data-refresh="URL" data-every="SECONDS" [data-at-once]>.

   Only what has changed is replaced, so nothing flickers, boxes stay scrolled and what is selected stays so. A part is
   not asked for while nobody sees the page. One that could not be read says so by its class `stale`. */
"use strict";

(() => {
  const alike = (old, fresh) =>
    old.nodeType === Node.ELEMENT_NODE &&
    old.nodeName === fresh.nodeName &&
    old.childNodes.length === fresh.childNodes.length &&
    old.childNodes.length > 0 &&
    old.cloneNode(false).isEqualNode(fresh.cloneNode(false));

  const renew = (old, fresh) => {
    if (old.nodeName === "DETAILS" && fresh.nodeName === "DETAILS") fresh.open = old.open;
    if (old.isEqualNode(fresh)) return;
    if (!alike(old, fresh)) {
      old.replaceWith(fresh);
      return;
    }
    const news = [...fresh.childNodes];
    [...old.childNodes].forEach((child, n) => renew(child, news[n]));
  };

  const show = (part, text) => {
    const fresh = part.cloneNode(false);
    fresh.innerHTML = text;
    if (part.childNodes.length === fresh.childNodes.length) renew(part, fresh);
    else part.replaceChildren(...fresh.childNodes);
  };

  const refresh = async (part) => {
    if (document.hidden) return;
    try {
      const answer = await fetch(part.dataset.refresh, { credentials: "same-origin", redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 403) {
        window.location.reload(); // logged out, or no longer permitted: the page itself says what to do
        return;
      }
      if (!answer.ok) throw new Error(answer.statusText);
      part.classList.remove("stale");
      show(part, await answer.text());
    } catch {
      part.classList.add("stale");
    }
  };

  const keep = async (part) => {
    await refresh(part);
    window.setTimeout(keep, part.dataset.every * 1000, part);
  };

  document.querySelectorAll("[data-refresh]").forEach((part) => {
    if ("atOnce" in part.dataset) keep(part);
    else window.setTimeout(keep, part.dataset.every * 1000, part);
    document.addEventListener("visibilitychange", () => { refresh(part); });
  });
})();
