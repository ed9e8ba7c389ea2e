/* Nothing to run: an ELF file with the note by which monitors know a PVH kernel, and the record. */
	.globl _start
_start:
	hlt
	.section .note.Xen, "a", @note
	.long 4, 4, 18
	.asciz "Xen"
	.long _start
	.section .record, "a"
	.incbin "record"
