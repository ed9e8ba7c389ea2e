/* An ELF file with a note of Solo5 (elf_abi.h): the target. It boots nothing; .record says how its
   toolchain was called. */

	.globl	_start
	.text
_start:	nop

	.section .note.solo5.abi, "a", %note
	.balign	4
	.long	6, 16, 0x31494241
	.asciz	"Solo5"
	.balign	4
	.long	ABI, 1, 0, 0

	.section .record, "", %progbits
	.incbin	"record"
