# The two files that the bunnyfile packages: Debian's kernel for virtual machines, and hello.c as a
# static program. Run it in this directory:
#
#     docker buildx build -f inputs.Dockerfile -o . .
#
# It leaves `vmlinuz` and `hello` here, for the platform that --platform names (amd64 or arm64; the
# builder's own without it). Nothing is emulated: the program is cross-compiled where it has to be.

FROM --platform=$BUILDPLATFORM debian:trixie-slim AS build
ARG TARGETARCH
# The series is pinned and not the package's version: Debian keeps only the newest of a series.
ARG KERNEL=6.12
RUN case "$TARGETARCH" in \
      amd64) gnu=x86-64-linux-gnu ;; \
      arm64) gnu=aarch64-linux-gnu ;; \
      *) echo "this example is for amd64 and arm64, not for $TARGETARCH" >&2; exit 1 ;; \
    esac; \
    dpkg --add-architecture "$TARGETARCH" && \
    apt-get update -q && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
      binutils "binutils-$gnu" "gcc-$gnu" "libc6-dev-$TARGETARCH-cross"
WORKDIR /kernel
RUN package=$(apt-cache depends "linux-image-cloud-$TARGETARCH:$TARGETARCH" | \
      sed -n "s/.*Depends: \(linux-image-$KERNEL\.[^ :]*\).*/\1/p" | head -n 1); \
    test -n "$package" || { echo "Debian has no cloud kernel $KERNEL any more" >&2; exit 1; }; \
    apt-get download -q "$package:$TARGETARCH" && \
    dpkg-deb -x linux-image-*.deb . && \
    install -D -m 0644 boot/vmlinuz-* /out/vmlinuz
COPY hello.c .
RUN case "$TARGETARCH" in amd64) gnu=x86_64-linux-gnu ;; arm64) gnu=aarch64-linux-gnu ;; esac; \
    "$gnu-gcc" -Os -s -static -Wall -Wextra -Werror -o /out/hello hello.c

FROM scratch
COPY --from=build /out/ /
