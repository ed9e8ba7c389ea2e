# The examples by one command, in this checkout: docker buildx bake -f examples/docker-bake.hcl [linux | others]
# Two are not here, for a build needs more than their files: linux-hello packages a kernel that its inputs.Dockerfile puts
# beside it, and netbsd-bozohttpd asks for a release's digest. Their READMEs say how each is built.
# Equal steps of all targets run once: a kernel that several want is built for all of them. Each target writes a cache of
# its own: of several that write to one name, the last one's would be left.

variable "FRONTEND" {
  description = "hutch's image, where the files' own syntax line is not meant"
  default     = ""
}

variable "REGISTRY" {
  description = "where images, and the cache, are pushed to"
  default     = ""
}

variable "TAG" {
  default = "1"
}

group "default" {
  targets = ["linux"]
}

target "_common" {
  dockerfile = "bunnyfile"
  args       = FRONTEND == "" ? {} : { BUILDKIT_SYNTAX = FRONTEND }
}

# Linux guests, whose sources are Debian's.
target "linux" {
  name     = example
  inherits = ["_common"]
  matrix = {
    example = ["linux-static-c", "linux-arm64", "linux-redis", "linux-python", "linux-nginx-dockerfile", "go-http"]
  }
  context    = "examples/${example}"
  platforms  = [example == "linux-arm64" ? "linux/arm64" : "linux/amd64"]
  tags       = [REGISTRY == "" ? "${example}:${TAG}" : "${REGISTRY}/${example}:${TAG}"]
  cache-from = REGISTRY == "" ? [] : ["type=registry,ref=${REGISTRY}/cache:${example}"]
  cache-to   = REGISTRY == "" ? [] : ["type=registry,ref=${REGISTRY}/cache:${example},mode=max"]
}

# Guests whose sources come from elsewhere.
target "others" {
  name     = example
  inherits = ["_common"]
  matrix = {
    example = ["freebsd-hello", "freebsd-http", "mirage-block", "mirage-config", "mirage-hello", "mirage-http", "netbsd-hello", "rumprun-darkhttpd", "rumprun-hello", "rumprun-http", "unikraft-elfloader", "unikraft-hello", "unikraft-http"]
  }
  context    = "examples/${example}"
  platforms  = ["linux/amd64"]
  tags       = [REGISTRY == "" ? "${example}:${TAG}" : "${REGISTRY}/${example}:${TAG}"]
  cache-from = REGISTRY == "" ? [] : ["type=registry,ref=${REGISTRY}/cache:${example}"]
  cache-to   = REGISTRY == "" ? [] : ["type=registry,ref=${REGISTRY}/cache:${example},mode=max"]
}
