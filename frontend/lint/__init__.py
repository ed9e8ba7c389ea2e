"""What works, but probably not as it was meant, and what would end a build.

`rules` lists the rules, and the phases in which each is looked at: `filechecks` are those of a
build file as it is read, `imagechecks` (with `command`, `access` and `links`) those of a built
image, and what makes a plan notes the plan's (`frontend.plan`). All findings are one record
(`findings`), and obey what the file asks (`directive`). `reporter` tells them during a build;
`verdict` is the one check of a file that builds nothing. What of an image's user is an error is in
`accounts`.
"""
