"""Images that are there already: read from a registry, and booted as the runtime would boot them.

`transport` carries HTTP, `registry` reads manifests and configs, `layers` shows the files of an
image; `boot` runs the monitor's command line that the runtime would make of what an image says
(`frameworks.runtime`). A build needs none of these.
"""
