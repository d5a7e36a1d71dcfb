/* Draggable figures in a static page (explore/page.py writes what is read here).
   A classic script: it works from file://, needs no network and nothing else. */
(() => {
  "use strict";
  const STILL = matchMedia("(prefers-reduced-motion: reduce)");

  const fetched = (name, address) =>
    new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = () => done(window.exploreTables[name]);
      script.onerror = () => failed(new Error(`${address} did not come`));
      document.head.append(script);
    });

  const unpacked = async (text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  };

  const start = (figure) => {
    const find = (selector) => figure.querySelector(selector);
    const { alt, play, controls } = JSON.parse(figure.dataset.offered);
    const svg = find("svg");
    const caption = find("figcaption");
    const nodes = [svg, ...svg.querySelectorAll("*")];
    const inputs = controls.map(([name]) => find(`[name="${name}"]`));
    const name = figure.id.replace("explore-", "");
    const position = controls.map(([, , first]) => first);

    const moved = () => position.some((at, i) => at !== controls[i][2]);

    /* What other positions look like comes when a hand comes near; if a move is made before, the picture catches up. */
    const words = caption.textContent;
    let table = null;
    let drawn = [];
    const load = async () => {
      if (figure.ariaBusy === "true") return;
      figure.ariaBusy = "true";
      try {
        table = await unpacked(await fetched(name, find(".explore-table").dataset.src));
      } catch {
        caption.textContent = moved() ? "This position could not be fetched. Move the figure to try again." : words;
      }
      figure.ariaBusy = "false";
      if (table) draw();
    };

    const draw = () => {
      if (!table) return void load();
      const { columns, which } = table;
      const frame = position.reduce((sum, at, i) => sum * controls[i][1].length + at, 0);
      columns.forEach(([node, key, values, w], i) => {
        const at = which[w][frame];
        if (drawn[i] === at) return;
        drawn[i] = at;
        const value = values[at];
        if (node < 0) {
          caption.textContent = value;
          svg.setAttribute("aria-label", `${alt}. ${value}`);
        } else if (key === "") nodes[node].textContent = value;
        else if (value === null) nodes[node].removeAttribute(key);
        else nodes[node].setAttribute(key, value);
      });
    };

    const move = (i, at) => {
      position[i] = at;
      const input = inputs[i];
      const label = controls[i][1][at];
      if (input.type === "checkbox") input.checked = at === 1;
      else if (input.type === "range") {
        input.value = at;
        input.setAttribute("aria-valuetext", label);
        input.previousElementSibling.textContent = ` = ${label}`;
      } else input.selectedIndex = at;
    };

    /* The address holds what is not at its start, by its label: page.html?ridge.lam=0.01 */
    let writing;
    const share = () => {
      clearTimeout(writing);
      writing = setTimeout(() => {
        const url = new URL(location);
        controls.forEach(([control, labels, first], i) => {
          const key = `${name}.${control}`;
          if (position[i] === first) url.searchParams.delete(key);
          else url.searchParams.set(key, labels[position[i]]);
        });
        history.replaceState(history.state, "", url);
      }, 400); // browsers refuse to be asked more often
    };

    const stop = setUpPlay();
    inputs.forEach((input, i) =>
      input.addEventListener("input", () => {
        stop();
        move(i, input.type === "checkbox" ? +input.checked : input.type === "range" ? +input.value : input.selectedIndex);
        draw();
        share();
      }),
    );
    find(".explore-reset").addEventListener("click", () => {
      stop();
      controls.forEach(([, , first], i) => move(i, first));
      draw();
      share();
    });

    function setUpPlay() {
      const button = find(".explore-play");
      if (!button) return () => {};
      const last = controls[play][1].length - 1;
      let timer = null;
      const label = () => (button.textContent = timer ? "Pause" : STILL.matches ? "Step" : "Play");
      const step = () => {
        move(play, position[play] === last ? 0 : position[play] + 1);
        draw();
        share();
      };
      const stop = () => {
        clearInterval(timer);
        timer = null;
        caption.setAttribute("aria-live", "polite");
        label();
      };
      button.addEventListener("click", () => {
        if (timer) return stop();
        step();
        if (STILL.matches) return;
        caption.setAttribute("aria-live", "off"); // else a screen reader reads every frame
        timer = setInterval(() => (position[play] === last ? stop() : step()), Math.min(400, Math.max(80, 8000 / last)));
        label();
      });
      STILL.addEventListener("change", stop);
      label();
      return stop;
    }

    const asked = new URL(location).searchParams;
    controls.forEach(([control, labels, first], i) => {
      const at = labels.indexOf(asked.get(`${name}.${control}`));
      move(i, at < 0 ? first : at);
    });
    if (moved()) draw();
    find(".explore-controls").hidden = false;
    for (const near of ["pointerenter", "focusin"]) figure.addEventListener(near, () => table || load());
  };

  const startAll = () => {
    for (const figure of document.querySelectorAll("figure.explore"))
      if (window.DecompressionStream) start(figure);
      else figure.querySelector(".explore-controls").classList.add("explore-failed"); // a browser of before 2023
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startAll);
  else startAll();
})();
