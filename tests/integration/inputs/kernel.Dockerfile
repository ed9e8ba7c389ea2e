# A small Linux kernel with the drivers for every kind of root filesystem built in: Debian's own
# kernels have them as modules, so they boot an initrd alone. Built once; BuildKit keeps the result.
# It is independent of hutch's own recipe on purpose: what tests packaging must not need it.
#
#     docker buildx build -f kernel.Dockerfile -o OUT .

FROM debian:trixie-slim AS build
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
      bc bison flex gcc libc6-dev libelf-dev linux-source-6.12 make perl-base python3-minimal xz-utils
RUN mkdir /linux && tar -xJf /usr/src/linux-source-6.12.tar.xz -C /linux --strip-components=1
WORKDIR /linux
COPY kernel.config /kernel.config
ENV KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=hutch KBUILD_BUILD_HOST=test
RUN make -s KCONFIG_ALLCONFIG=/kernel.config allnoconfig && \
    while read -r option; do grep -qxF "$option" .config || { echo "lost: $option"; exit 1; }; \
    done < /kernel.config
RUN make -s -j"$(nproc)" bzImage

FROM scratch
COPY --from=build /linux/arch/x86/boot/bzImage /vmlinuz
