STUB_ABORT(usleep);

STUB_ABORT(longjmp);
