"""What works, but probably not as it was meant, and what would end a build.

`file` runs the rules of `rules` over a build file; `effects`, `command`, `access` and `links` look
at a plan and its files, `imagechecks` at what was built; `verdict` is the one check of a file, and
`reporter` tells the findings during a build.
"""
