// Typesets equations while the book is built: a line of JSON in, a line of JSON out. Run by book/equations.py.
// {"tex": ..., "display": true} gives {"html": ...} or {"error": ...}; {"css": true} gives the style of all that was typeset.
const [mathjax] = process.argv.slice(2);
const packages = ["base", "ams", "boldsymbol"];

async function main() {
  // The installed files carry no package.json, and the version check wants to shout about it.
  console.warn = () => {};
  const MathJax = await require(`${mathjax}/node-main.js`).init({
    loader: {
      paths: { mathjax },
      load: ["input/tex-base", "[tex]/ams", "[tex]/boldsymbol", "adaptors/liteDOM", "output/chtml",
             "a11y/assistive-mml"],
    },
    tex: { packages, formatError: (_, error) => { throw error; } },
    chtml: { fontURL: "." },
  });
  const adaptor = MathJax.startup.adaptor;
  const answer = ({ tex, display, css }) => {
    if (css) return { css: adaptor.textContent(MathJax.chtmlStylesheet()) };
    try {
      return { html: adaptor.outerHTML(MathJax.tex2chtml(tex, { display })) };
    } catch (error) {
      return { error: error.message };
    }
  };
  const lines = require("readline").createInterface({ input: process.stdin });
  for await (const line of lines) process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\n");
}

main();
