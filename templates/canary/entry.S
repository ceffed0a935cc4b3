/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Assembler with the preprocessor: macros, sections, expressions, alignment. */
#define CANARY_MAGIC 0x4b4661726d
#define NAME(x) canary_##x

	.macro	entry name, value
	.globl	\name
	.type	\name, %object
\name:
	.long	\value
	.size	\name, . - \name
	.endm

	.section .rodata, "a", %progbits
	.balign	16
	entry	NAME(first), 1
	entry	NAME(second), (1 << 5) + 3
	.irp	n, 1, 2, 3, 5, 8, 13
	.byte	\n
	.endr
	.ascii	"a string\0and more\n"
	.asciz	__FILE__
	.balign	8
	.quad	CANARY_MAGIC
	.long	NAME(end) - NAME(first)
#ifdef __ASSEMBLER__
	.rept	3
	.short	0x1234
	.endr
#endif
	.globl	NAME(end)
NAME(end):
	.long	undefined_symbol - .

	.text
	.balign	4
	.globl	NAME(code)
	.type	NAME(code), %function
NAME(code):
1:
#if defined(__aarch64__)
	ldr	x0, =CANARY_MAGIC
	adrp	x1, NAME(first)
	add	x1, x1, :lo12:NAME(first)
	cbz	x0, 1b
	ret
	.ltorg
#elif defined(__arm__)
	ldr	r0, =0x12345678
	cmp	r0, #3
	bne	1b
	bx	lr
	.ltorg
#elif defined(__x86_64__)
	movabsq	$CANARY_MAGIC, %rax
	leaq	NAME(first)(%rip), %rcx
	testq	%rax, %rax
	jz	1b
	ret
#elif defined(__riscv)
	la	a1, NAME(first)
	li	a0, 0x12345
	beqz	a0, 1b
	ret
#else
	.long	0
#endif
	.size	NAME(code), . - NAME(code)
	.section .note.GNU-stack, "", %progbits
