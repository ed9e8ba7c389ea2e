"""The wire: how this frontend talks to the BuildKit daemon that started it.

`stdio` is the process contract, `client` the daemon's methods, `capabilities` what the daemon can
do, `result` and `status` what goes back. What the user chose is in `frontend.dockerui`.
This package imports nothing by itself: `stdio` must greet the daemon before anything heavy loads.
"""
