/* An ELF file with Solo5's notes (elf_abi.h): the target, and a manifest with one network device. It
   boots nothing; .record says how its toolchain was called. */

	.globl	_start
	.text
_start:	nop

	.section .note.solo5.abi, "a", %note
	.balign	4
	.long	6, 16, 0x31494241
	.asciz	"Solo5"
	.balign	4
	.long	ABI, 1, 0, 0

	.section .note.solo5.manifest, "a", %note
	.balign	4
	.long	6, 2f - 1f, 0x3154464d
	.asciz	"Solo5"
	.balign	4
1:	.long	0, 1, 2
	.fill	68, 1, 0
	.long	1 << 30
	.fill	32, 1, 0
3:	.ascii	"uplink"
	.fill	68 - (. - 3b), 1, 0
	.long	2
	.fill	32, 1, 0
2:
	.section .record, "", %progbits
	.incbin	"record"
