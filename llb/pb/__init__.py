"""BuildKit's wire messages, generated from the `.proto` files beside this one (`make gen`).

Import the modules, not this package: each costs start-up time, and `gateway_pb2` needs all of them.
"""
