"""How the kernels that execute the chapters draw: vector graphics, which take the colours of the page's theme."""

c = get_config()  # noqa: F821  # type: ignore[name-defined]
c.InlineBackend.figure_formats = {"svg"}
c.IPKernelApp.log_level = 40  # its warning about unencrypted local TCP is not about the chapter
