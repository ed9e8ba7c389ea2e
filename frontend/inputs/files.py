"""Files of which something is read (`frameworks.rootfs.lookup.File`), at the daemon's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from frontend.gateway.client import Client, Ref
    from frontend.gateway.files import RemoteFile


@dataclass(frozen=True)
class BuiltFile:
    """A file of a result that the daemon holds."""

    client: Client
    ref: Ref
    path: str

    @cached_property
    def _file(self) -> RemoteFile:
        return self.client.open_file(self.ref, self.path)

    @property
    def size(self) -> int:
        return self._file.size

    def read(self, offset: int, length: int) -> bytes:
        return self._file.read(offset, length)
