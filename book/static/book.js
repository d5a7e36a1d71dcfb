// What the reader has answered and read, kept in this browser only, and shown in the table of contents.
"use strict";
(() => {
  const KEY = "regularization-course"; // {answers: {quiz: choice}, read: {page: true}}
  const load = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY)) || {};
      return { answers: kept.answers || {}, read: kept.read || {} };
    } catch {
      return { answers: {}, read: {} };
    }
  };
  let kept = load();
  const change = (edit) => {
    kept = load(); // another tab may have written
    edit(kept);
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      // a browser that keeps nothing (private window, full store) still shows everything until the page is left
    }
    show();
  };

  // A page is known by its path below the root of the book, so that a book read from a file works as well.
  const root = new URL(document.documentElement.dataset.content_root || "./", location.href).pathname;
  const page = (url) => decodeURIComponent(url.pathname.slice(root.length)).replace(/\.html$/, "");
  const here = page(location);

  // Quizzes: remember the choice that was opened last, and open it again.
  for (const quiz of document.querySelectorAll(".quiz")) {
    const choices = [...quiz.querySelectorAll("details")];
    const last = choices[kept.answers[quiz.id]];
    if (last) last.open = true;
    choices.forEach((choice, index) =>
      choice.querySelector("summary").addEventListener("click", () => {
        if (!choice.open) change(({ answers }) => (answers[quiz.id] = index)); // else this click closes it
      }),
    );
  }

  // A chapter is read when its end was on the screen.
  const end = document.querySelector(".prev-next-footer");
  if (end && here in (window.courseQuizzes || {}))
    new IntersectionObserver((seen, observer) => {
      if (!seen.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      change(({ read }) => (read[here] = true));
    }).observe(end);

  // The table of contents says what is done, in a sign and in words.
  const notes = [];
  for (const link of document.querySelectorAll(".bd-docs-nav a.internal")) {
    const name = page(new URL(link.href));
    const quizzes = (window.courseQuizzes || {})[name];
    if (!quizzes) continue;
    const note = document.createElement("span");
    note.className = "progress-note";
    link.append(note);
    notes.push({ note, name, quizzes });
  }
  const forget = document.createElement("button");
  forget.type = "button";
  forget.className = "btn btn-sm progress-forget";
  forget.textContent = "Forget my progress";
  forget.addEventListener("click", () => {
    change((all) => Object.assign(all, { answers: {}, read: {} }));
    for (const choice of document.querySelectorAll(".quiz details")) choice.open = false;
    document.querySelector(".bd-docs-nav a.internal")?.focus(); // the button is gone
  });
  document.querySelector(".bd-docs-nav")?.append(forget);

  function show() {
    for (const { note, name, quizzes } of notes) {
      const answered = quizzes.filter((quiz) => quiz in kept.answers).length;
      const parts = [];
      if (kept.read[name]) parts.push(["✓", "read"]);
      if (answered) parts.push([`${answered}/${quizzes.length}`, `${answered} of ${quizzes.length} quizzes answered`]);
      const [sign, words] = ["span", "span"].map((tag) => document.createElement(tag));
      sign.textContent = parts.map(([text]) => text).join(" ");
      sign.setAttribute("aria-hidden", "true");
      words.textContent = parts.length ? ` (${parts.map(([, text]) => text).join(", ")})` : "";
      words.className = "visually-hidden";
      note.replaceChildren(sign, words);
    }
    forget.hidden = !Object.keys({ ...kept.answers, ...kept.read }).length;
  }
  show();

  // An equation in a line of text that is wider than the text scrolls in itself, as displayed ones do.
  const inline = [...document.querySelectorAll("span.math")];
  const measure = () => {
    const wide = inline.map((math) => math.firstElementChild?.firstElementChild.offsetWidth > math.closest("p, li, td, dd, div").clientWidth);
    inline.forEach((math, i) => math.classList.toggle("math-wide", wide[i]));
    // What scrolls in itself can be scrolled with the keyboard: it takes the focus.
    for (const element of document.querySelectorAll("div.math mjx-container, .math-wide, .pst-scrollable-table-container, .bd-article pre")) {
      if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    }
  };
  new ResizeObserver(measure).observe(document.querySelector(".bd-article") || document.body);
})();
