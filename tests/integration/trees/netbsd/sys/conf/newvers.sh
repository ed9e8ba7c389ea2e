# What a kernel says of itself.
