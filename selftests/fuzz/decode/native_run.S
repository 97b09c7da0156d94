/* SPDX-License-Identifier: GPL-2.0 */
/*
 * void native_run(void): puts native_state into the registers, jumps to the code
 * under test in whatever mode its selector says, and collects the registers when
 * that code jumps to native_return. Everything is addressed relative to RIP,
 * because no register is left to hold a pointer. native_fault is where a signal
 * handler sends the program if the code under test did not get that far.
 *
 * struct native_state, see native.c:
 *	0 regs[16], 128 rflags, 136 ip, 140 cs, 142 ds, 144 es, 146 ss, 148 faulted
 */
	.macro	reg_moves op
	\op	%rax, 0
	\op	%rcx, 8
	\op	%rdx, 16
	\op	%rbx, 24
	\op	%rsp, 32
	\op	%rbp, 40
	\op	%rsi, 48
	\op	%rdi, 56
	\op	%r8, 64
	\op	%r9, 72
	\op	%r10, 80
	\op	%r11, 88
	\op	%r12, 96
	\op	%r13, 104
	\op	%r14, 112
	\op	%r15, 120
	.endm
	.macro	load reg, offset
	mov	native_state+\offset(%rip), \reg
	.endm
	.macro	save reg, offset
	mov	\reg, native_state+\offset(%rip)
	.endm

	.bss
	.balign	8
	.globl	host_rsp
host_rsp:
	.skip	8
host_segs:
	.skip	8

	.text
	.globl	native_run, native_return, native_fault
native_run:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%ds, host_segs(%rip)
	mov	%es, 2+host_segs(%rip)
	mov	%ss, 4+host_segs(%rip)
	movl	$0, 148+native_state(%rip)
	mov	%rsp, host_rsp(%rip)
	push	128+native_state(%rip)
	mov	142+native_state(%rip), %ds
	mov	144+native_state(%rip), %es
	popfq
	mov	146+native_state(%rip), %ss
	reg_moves load
	ljmp	*136+native_state(%rip)

native_fault:
	movl	$1, 148+native_state(%rip)
native_return:
	reg_moves save
	mov	4+host_segs(%rip), %ss
	mov	host_rsp(%rip), %rsp
	pushfq
	pop	128+native_state(%rip)
	cld
	mov	host_segs(%rip), %ds
	mov	2+host_segs(%rip), %es
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.section .note.GNU-stack, "", @progbits
