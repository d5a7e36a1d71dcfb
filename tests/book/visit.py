"""One visit of a page by a browser: what it asked for, what it complained of, and what is wrong with what it shows."""

from contextlib import contextmanager

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 780}

# What stands in the page, whatever the theme and the width.
STANDING = """() => {
    const wrong = [];
    const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
    const twice = ids.filter((id, i) => ids.indexOf(id) !== i);
    if (twice.length) wrong.push(`ids that occur twice: ${[...new Set(twice)]}`);
    if (document.querySelector("mjx-merror")) wrong.push("an equation that does not parse");
    for (const formula of document.querySelectorAll("span.math")) {
        const after = formula.nextSibling?.nodeType === Node.TEXT_NODE ? formula.nextSibling.data : "";
        if (/^[.,;:!?]/.test(after)) wrong.push(`apart from its formula: ${after.slice(0, 30)}`);
    }
    for (const picture of document.querySelectorAll("img, svg, canvas, video, object, embed")) {
        if (picture.closest("[aria-hidden=true], button")) continue; // a button has words of its own (axe)
        const text = picture.getAttribute("alt") || picture.getAttribute("aria-label") || "";
        if (!/\\w+ \\w+/.test(text)) wrong.push(`a picture without words: ${picture.outerHTML.slice(0, 150)}`);
    }
    return wrong;
}"""

VISIBLE_SEARCHES = """() => [...document.querySelectorAll(".search-button, .search-button-field, form.bd-search")]
    .filter((node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true })
                      && node.getBoundingClientRect().right > 0)
    .length"""

# What reaches beyond the right edge and cannot be scrolled to inside of something that scrolls.
OVERFLOWING = """() => {
    const scrolls = (node) => node && node !== document.documentElement
        && (/(auto|scroll)/.test(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
    const wide = [...document.querySelectorAll("main *")].filter((node) => {
        const box = node.getBoundingClientRect();
        return box.width > 1 && box.right > innerWidth + 1 && node.checkVisibility() && !scrolls(node)
            && !node.closest("mjx-assistive-mml, .visually-hidden, svg *");
    });
    const page = document.documentElement.scrollWidth > innerWidth ? ["the page scrolls sideways"] : [];
    return [...page, ...wide.slice(0, 3).map((node) => `beyond the edge: ${node.outerHTML.slice(0, 150)}`)];
}"""

# Marks what a keyboard must reach, and returns how many there are.
MARK_CONTROLS = """() => {
    const controls = [...document.querySelectorAll(
        "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
        .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.disabled
                          && !node.closest("dialog:not([open])"));
    controls.forEach((node, i) => (node.dataset.control = i));
    return controls.length;
}"""


@contextmanager
def visit(browser, root, name, theme, viewport=None, **options):
    """The page after it has loaded, and a growing list of what went wrong."""
    context = browser.new_context(viewport=viewport or WIDE, color_scheme=theme, **options)
    page, wrong = context.new_page(), []
    page.add_init_script(f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')")
    page.on(
        "request",
        lambda request: request.url.startswith((root, "data:", "blob:")) or wrong.append(f"asked for {request.url}"),
    )
    page.on(
        "requestfailed",  # aborted: the page was left before its icon came; what is not there fails in other words
        lambda request: request.failure == "net::ERR_ABORTED" or wrong.append(f"did not get {request.url}"),
    )
    page.on(
        "response",
        lambda response: response.ok or response.status == 304 or wrong.append(f"{response.status} for {response.url}"),
    )
    page.on("console", lambda said: said.type in ("error", "warning") and wrong.append(f"console: {said.text}"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    try:
        page.goto(f"{root}/{name}.html", wait_until="load")
        yield page, wrong
    finally:
        context.close()


def unreached(page):
    """The controls that pressing Tab does not reach."""
    left = set(map(str, range(page.evaluate(MARK_CONTROLS))))
    page.evaluate("() => { document.activeElement?.blur(); getSelection().removeAllRanges(); scrollTo(0, 0); }")
    for _ in range(len(left) + 20):
        page.keyboard.press("Tab")
        left.discard(page.evaluate("document.activeElement?.dataset.control"))
        if not left:
            break
    return [page.evaluate(f"document.querySelector('[data-control=\"{i}\"]').outerHTML.slice(0, 150)") for i in left]
