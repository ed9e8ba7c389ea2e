# docker buildx bake --push: one server on three systems, each for two architectures.
variable "REGISTRY" {
  default = "registry.example"
}

group "default" {
  targets = ["http"]
}

target "http" {
  name       = "http-${system}"
  matrix     = { system = ["linux", "netbsd", "freebsd"] }
  context    = "."
  dockerfile = system == "linux" ? "bunnyfile" : "${system}.bunnyfile"
  platforms  = ["linux/amd64", "linux/arm64"]
  tags       = ["${REGISTRY}/go-http:${system}"]
}
