# NetBSD is built with it
