"""What a build reads beside its build file: images, contexts, Dockerfiles, and files that it names.

`gateway` answers recipes over the gateway, `offline` without a daemon. `givenfiles` looks at files
that a build file names, before a step reads them; `wanted` does so with the build context before
anything is built, and `localfile` is that context on this machine. `files` and `kernel` read them.
"""
