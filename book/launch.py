"""Buttons above a chapter: its executed notebook to download, or to open on Colab or Binder.

Where the site is published, the notebooks stand on a branch of their own (`book_notebooks_branch`): Colab cannot open
a .md file.
"""

from book.settings import REPOSITORY


def offer_notebook(app, pagename, templatename, context, doctree):
    """Tell the theme that the page has a notebook. Runs before the theme makes its download button."""
    if "kernelspec" in app.env.metadata.get(pagename, {}):
        context["ipynb_source"] = f"{pagename}.ipynb"


def add_buttons(app, pagename, templatename, context, doctree):
    """Colab and Binder, where there is a repository and the page has a notebook."""
    match = REPOSITORY.fullmatch(app.config.html_theme_options.get("repository_url", ""))
    if not match or "ipynb_source" not in context:
        return
    place, branch, file = match[1], app.config.book_notebooks_branch, context["ipynb_source"]
    context["header_buttons"].insert(
        0,
        {
            "type": "group",
            "tooltip": "Open this page's notebook",
            "icon": "fas fa-rocket",
            "label": "launch-buttons",
            "buttons": [
                _link("Colab", f"https://colab.research.google.com/github/{place}/blob/{branch}/{file}"),
                _link("Binder", f"https://mybinder.org/v2/gh/{place}/{branch}?urlpath=lab/tree/{file}"),
            ],
        },
    )


def note(repository: str) -> str:
    """What a notebook that was opened elsewhere needs, a line for its reader to run: nothing is installed unasked."""
    if not repository:
        return ""
    return (
        "To run this notebook outside of its repository, on Colab for instance, first run in a new cell: "
        f"`%pip install --no-deps git+{repository.removesuffix('/')}`"
    )


def _link(name, url):
    return {"type": "link", "text": name, "tooltip": f"Open in {name}", "label": f"launch-{name.lower()}", "url": url}


def setup(app):
    app.add_config_value("book_notebooks_branch", "notebooks", "html")
    app.connect("html-page-context", offer_notebook, priority=400)
    app.connect("html-page-context", add_buttons, priority=502)
