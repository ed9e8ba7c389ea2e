#!/bin/sh
# A program that an application's build calls.
echo "app-tool called"
