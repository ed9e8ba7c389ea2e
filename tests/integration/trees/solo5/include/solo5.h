/* Solo5's header, as far as hutch looks: it is there. */
