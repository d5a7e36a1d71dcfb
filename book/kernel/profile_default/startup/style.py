"""Every figure of a chapter is drawn in the house style."""

import explore.style

explore.style.use()
