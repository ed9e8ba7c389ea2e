	.section .note.rumprun.bakerecipe, "a"
	.asciz "rumprun_tuple: x86_64-rumprun-netbsd"
	.section .note.GNU-stack, "", %progbits
