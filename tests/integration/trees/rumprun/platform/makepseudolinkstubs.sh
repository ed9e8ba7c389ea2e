# The lines that hutch's patch is for.
printf "__strong_alias(rump_syscall,_stubnosys);\n" >> ${OUTPUT}
printf "__strong_alias(_start,_stubnosys);\n\n" >> ${OUTPUT}

