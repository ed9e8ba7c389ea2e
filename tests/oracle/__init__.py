"""The generator of llb's goldens: BuildKit's Go client on the graphs of tests/unit/llb/cases.py."""
