// What the goldens of tests/unit/llb were made with: the one place that says which BuildKit.
module oracle

go 1.26

require github.com/moby/buildkit v0.0.0-20260821152935-73ed6825c4b7
