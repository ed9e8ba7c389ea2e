"""Trees of images, made here: what a container engine would unpack."""

from __future__ import annotations

import io
import tarfile

from frontend.images.layers import ImageFiles


def tree(*files: tuple[str, int, int, int, bytes | None]) -> ImageFiles:
    """A tree of one layer: path, mode, user, group, content; None is a directory."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as out:
        for path, mode, uid, gid, data in files:
            info = tarfile.TarInfo(path.lstrip("/"))
            info.mode, info.uid, info.gid = mode, uid, gid
            info.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
            info.size = len(data or b"")
            out.addfile(info, io.BytesIO(data or b""))
    packed.seek(0)
    return ImageFiles([("application/vnd.oci.image.layer.v1.tar", packed)])


PASSWD = b"root:x:0:0::/:\nredis:x:101:102::/:\n"
GROUP = b"root:x:0:\nredis:x:102:\naudio:x:29:redis,other\nx:x:7:other\n"
USERS = tree(("/etc/passwd", 0o644, 0, 0, PASSWD), ("/etc/group", 0o644, 0, 0, GROUP))
"""The users of an image that has Redis."""
