#!/bin/sh
# The one question that dune asks: where its own configuration is. Debian's is another.
[ "$*" = "printconf conf" ]
echo "$OPAMROOT/hutch/lib/findlib.conf"
