# The frontend image, which is the tool image of its own build steps too; --target cli is the command
# line's. Both are built for amd64 and arm64 on either, without emulation: the build stage runs on the
# builder's machine and only unpacks what is for the target.

FROM --platform=$BUILDPLATFORM debian:trixie-slim AS build
ARG TARGETARCH
RUN case "$TARGETARCH" in \
      amd64) tools=binutils-x86-64-linux-gnu ;; \
      arm64) tools=binutils-aarch64-linux-gnu ;; \
      *) echo "hutch's frontend runs on amd64 and arm64, not on $TARGETARCH" >&2; exit 1 ;; \
    esac; \
    dpkg --add-architecture "$TARGETARCH"; \
    apt-get update -q && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
      ca-certificates python3 python3-pip binutils patchelf "$tools"

# What the target gets from Debian: image/assemble.py stops when a library is missing here.
WORKDIR /debs
RUN for package in \
      python3.13-minimal libpython3.13-minimal libpython3.13-stdlib \
      e2fsprogs squashfs-tools erofs-utils makefs libarchive-tools \
      libc6 zlib1g libexpat1 libgcc-s1 libstdc++6 \
      libext2fs2t64 libcom-err2 libblkid1 libuuid1 \
      libarchive13t64 libnettle8t64 libacl1 libxml2 \
      liblzma5 liblzo2-2 liblz4-1 libzstd1 libxxhash0 libbz2-1.0 libdeflate0 libselinux1 libpcre2-8-0; \
    do echo "$package:$TARGETARCH"; done | xargs apt-get download -q && \
    for deb in *.deb; do dpkg-deb -x "$deb" /packages; done

# A company's proxy may sign in the index's place: --secret id=ca,src=<bundle> says whom to trust.
WORKDIR /build
COPY requirements/runtime.txt requirements/
RUN --mount=type=secret,id=ca \
    case "$TARGETARCH" in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; esac; \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    pip="pip install -q --no-cache-dir --no-compile --no-deps --require-hashes --only-binary=:all:"; \
    $pip --target /all -r requirements/runtime.txt && \
    mkdir -p /native/google && mv /all/google/_upb /native/google && \
    $pip --implementation cp --python-version 3.13 \
      --platform "manylinux_2_28_$machine" --platform "manylinux2014_$machine" \
      --target /wheels -r requirements/runtime.txt

COPY image image
COPY schemas schemas
COPY llb llb
COPY frameworks frameworks
COPY frontend frontend
ARG SOURCE_DATE_EPOCH=0
RUN case "$TARGETARCH" in amd64) gnu=x86_64-linux-gnu ;; arm64) gnu=aarch64-linux-gnu ;; esac; \
    PYTHONHASHSEED=0 python3 -B -X no_debug_ranges -m image.assemble --machine "$gnu" \
      --packages /packages --wheels /wheels --native /native --source . \
      --base /base --app /app --epoch "$SOURCE_DATE_EPOCH"

# The init programs that hutch puts into guests: for both architectures, for an image for one may be
# built on the other.
FROM --platform=$BUILDPLATFORM debian:trixie-slim AS init
RUN dpkg --add-architecture amd64 && dpkg --add-architecture arm64 && \
    apt-get update -q && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
      binutils gcc-x86-64-linux-gnu gcc-aarch64-linux-gnu musl-dev:amd64 musl-dev:arm64
COPY frameworks/init /init
ARG SOURCE_DATE_EPOCH=0
RUN sh /init/build.sh /out/usr/lib/hutch/init && \
    find /out -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

# What the command line has beside Debian's smallest image: Python, unpacked and not installed, for no program of the
# target's runs here, and the modules that the frontend leaves out, too.
FROM build AS command
ARG TARGETARCH
WORKDIR /more
RUN for package in python3-minimal libssl3t64 libffi8; do echo "$package:$TARGETARCH"; done | \
      xargs apt-get download -q && \
    for deb in *.deb /debs/*python3.13-*.deb /debs/libexpat1_*.deb; do dpkg-deb -x "$deb" /command; done && \
    rm -r /command/usr/share && \
    install -D -m 0644 -t /command/etc/ssl/certs /etc/ssl/certs/ca-certificates.crt && \
    printf '#!/bin/sh\nexec /usr/bin/python3 -I -m frontend "$@"\n' > /command/usr/bin/hutch && \
    chmod 0755 /command/usr/bin/hutch
ARG SOURCE_DATE_EPOCH=0
RUN packages=/command/usr/lib/python3/dist-packages; \
    mkdir -p "$packages" && cp -r /wheels/. /build/frontend /build/frameworks /build/llb /build/schemas "$packages" && \
    PYTHONHASHSEED=0 python3 -m compileall -q --invalidation-mode unchecked-hash -s /command -p / \
      /command/usr/lib/python3.13 "$packages" && \
    find /command -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

# The command line as an image of its own: --target cli.
FROM debian:trixie-slim AS cli
COPY --from=command /command/ /
ARG HUTCH_SITE=""
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt HUTCH_SITE=$HUTCH_SITE
WORKDIR /src
ENTRYPOINT ["/usr/bin/hutch"]

FROM scratch AS frontend
COPY --from=build /base/ /
COPY --from=init /out/ /
COPY --from=build /app/ /
# Where the documentation is published: its pages are linked from errors and warnings.
ARG HUTCH_SITE=""
ENV PATH=/usr/sbin:/usr/bin HUTCH_SITE=$HUTCH_SITE
LABEL moby.buildkit.frontend.network.none="true" \
      moby.buildkit.frontend.caps="moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts,moby.buildkit.frontend.gitquerystring"
# Not with -m, which imports modules to find this file: about a millisecond (docs/adr/0005).
ENTRYPOINT ["/usr/bin/python3", "-I", "-S", "-B", "/usr/lib/python3.13/frontend/__main__.pyc"]
