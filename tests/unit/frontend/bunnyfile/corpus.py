"""Good bunnyfiles that between them use every key, for tests that take them apart."""

from __future__ import annotations

FULL = """\
# syntax=registry.example.com/hutch:1
version: v1
args:
  KERNEL: "6.12"
  TAG:
x-common: &common {a: 1}
platforms:
  framework: linux
  version: ${KERNEL}
  monitor: qemu
  architecture: x86_64
toolchain:
  from: debian:trixie-slim
  packages: [libssl-dev]
kernel:
  from: source
  source:
    git: https://git.example.com/linux.git
    ref: v6.12
    commit: 0123456789012345678901234567890123456789
  config: microvm
  fragments: [debug.config]
  options: {IKCONFIG: true, NR_CPUS: 8, CMDLINE: "quiet", BASE: 0x1000}
  patches: [fix.patch]
  cmdline: quiet
app:
  from: local
  path: .
  packages: [libssl-dev]
  build: |
    make HOME=${HOME}
  artifacts: [server:/usr/bin/server]
rootfs:
  from: debian:trixie-slim
  type: block
  filesystem: ext4
  size: 64M
  mount: /
  include:
    - conf:/etc/conf
    - motd
    - {from: nginx:latest, source: /etc/nginx, destination: /etc/nginx, owner: "0:0", mode: 0644}
init: auto
volumes: [/data]
cmd: [server, --port, 80, "true"]
entrypoint: [/bin/sh, -c]
envs: [LANG=C.UTF-8, EMPTY=, "X=a=b"]
user: 1000:1000
workdir: /srv
ports: [80, "53/udp"]
labels: {title: server, version: 1.10, stable: true}
annotations: {org.example.note: "yes"}
"""

ARCHIVE = """\
version: v1
platforms: {framework: netbsd, monitor: firecracker}
kernel:
  from: source
  source:
    url: https://example.com/src.tar.xz
    sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
rootfs:
  dockerfile: Dockerfile
  target: runtime
envs: {LANG: C.UTF-8, DEBUG: true, N: 010}
init: none
"""

PREBUILT = """\
version: v1
platforms: {framework: unikraft, monitor: qemu}
kernel: {from: local, path: kernel}
rootfs: {from: local, path: initrd.cpio, type: initrd}
"""

PACKAGE = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: source, source: {package: linux-source-6.12}}
rootfs: {type: none}
"""

LOCAL_SOURCE = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: source, source: {local: linux}}
"""

OLD = """\
#syntax=registry.example.com/bunny:latest
version: v0.1
platforms:
  framework: rumprun
  version: 0.10
  monitor: hvt
  architecture: x86
rootfs:
  from: scratch
  type: raw
  include:
  - conf/:/conf
  - data
  - from: example.com/image:latest
    source: /a
    destination: /b
kernel:
  from: local
  path: redis.hvt
cmdline: ignored
cmd: ["redis-server", /data/conf/redis.conf, 1]
entrypoint: [/init]
envs: [A=b]
"""

OLD_PREBUILT = """\
version: 0.1
platforms: {framework: unikraft, version: v0.15.0, monitor: qemu, architecture: x86}
rootfs: {from: local, path: initrd}
kernel: {from: local, path: kernel}
cmdline: nginx  -c /nginx.conf
"""

V1 = (FULL, ARCHIVE, PREBUILT, PACKAGE, LOCAL_SOURCE)
V0 = (OLD, OLD_PREBUILT)
ALL = V1 + V0
