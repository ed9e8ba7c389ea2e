"""The wire: how this frontend talks to the BuildKit daemon that started it.

`stdio` is the process contract, `client` the daemon's methods, `options` what the user asked for,
`contexts` where the build file and the sources come from, `result` and `status` what goes back.
This package imports nothing by itself: `stdio` must greet the daemon before anything heavy loads.
"""
