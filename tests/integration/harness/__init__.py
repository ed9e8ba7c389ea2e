"""What the integration tests build, push, read back and boot with.

`builder` is docker's client at one engine, and the builds through it; `images` reads back what was
pushed; `engines` starts the engines; `programs` compiles the C of `programs/`; `trees` are what
recipes build from; `serving` answers over HTTP; `remote` makes remote builders of engines;
`services` are those of docs/applications.md;
`counted` counts a registry's bytes; `composite` runs GitHub's actions; `flags`, `guests` and
`matrix` are fixtures and inputs; `realurunc` runs images under a real urunc; `urunctable` and
`enginestable` write what was seen into pages.
Nothing here is a stand-in for docker, and no test calls it or the engine in another way.
"""

from tests.integration.harness.builder import EPOCH, FILE, Builder, Done
from tests.integration.harness.guests import Guests, printed
from tests.integration.harness.images import PREFIX, Packed, difference, entries
from tests.places import EXAMPLES, ROOT

__all__ = [
    "EPOCH",
    "EXAMPLES",
    "FILE",
    "PREFIX",
    "ROOT",
    "Builder",
    "Done",
    "Guests",
    "Packed",
    "difference",
    "entries",
    "printed",
]
