# Every makefile's settings.
