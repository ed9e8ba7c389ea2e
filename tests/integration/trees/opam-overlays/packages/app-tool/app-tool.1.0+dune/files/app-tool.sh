#!/bin/sh
# What the overlays have of a program, which is for no switch.
echo "app-tool of the overlays called"
