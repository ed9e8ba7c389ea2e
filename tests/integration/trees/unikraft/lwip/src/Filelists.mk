# A stand-in for what every tree of lwIP has.
