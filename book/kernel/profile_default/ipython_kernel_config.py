"""The kernels that execute the chapters are configured by this file alone, not by what a person has in ~/.ipython."""

c = get_config()  # type: ignore[name-defined]  # noqa: F821
c.IPKernelApp.log_level = 40  # its warning about unencrypted local TCP is not about the chapter
