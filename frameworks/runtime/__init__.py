"""The room of the runtime: what starts the guests of images reads, takes and passes on.

`base` says what hutch asks of a runtime, `monitors` what there is to run a guest, and `urunc` is
the one runtime that there is. Elsewhere `RUNTIME` is asked. `machine` is what
`frontend.images.boot` boots where there is no runtime.

Adding a version of urunc, a monitor or another runtime: CONTRIBUTING.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from frameworks.runtime.urunc import Urunc

if TYPE_CHECKING:
    from frameworks.runtime.base import Runtime

RUNTIME: Runtime = Urunc()
"""The runtime that images are made for."""
