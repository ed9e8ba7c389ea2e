"""Images that are there already: read from a registry, and booted as urunc would boot them.

`transport` carries HTTP, `registry` reads manifests and configs, `layers` shows the files of an
image; `uruncs` holds what differs between versions of urunc, `guests` makes a monitor's command
line of what an image says, and `boot` runs it. A build needs none of these.
"""
