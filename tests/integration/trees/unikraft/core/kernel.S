/* Nothing to run: an ELF file with the header by which QEMU knows a Multiboot kernel, and the record. */
	.globl _start
	.text
	.align 4
	.long 0x1badb002, 0, -0x1badb002
_start:
	hlt
	.section .record, "a"
	.incbin "record"
