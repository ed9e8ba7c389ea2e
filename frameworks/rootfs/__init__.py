"""Root filesystems: a tree of files, and what it is packed into.

`tree` makes the tree; `raw` leaves it as the image's own, `initrd` writes a cpio archive and
`block` an image of one of the file systems in the table (`filesystems`). Packing runs in hutch's
own image (`frameworks.steps.pack`), in an ordinary step: no loop device, no privilege, no network.
"""
