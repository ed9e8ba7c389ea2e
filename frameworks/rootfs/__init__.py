"""Root filesystems: a tree of files, and one module per format that it is packed into.

`tree` makes the tree; `raw` leaves it as the image's own, `initrd` writes a cpio archive and
`block` a file system image. Packing runs in hutch's own image (`pack` is its command), in an
ordinary step: no loop device, no privilege, no network.
"""
