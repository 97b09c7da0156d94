/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exception entries of a long-mode guest, copied to GPA_STUBS: 256 of 16
 * bytes, then the part they share. See struct guest_exc.
 */
	.section .rodata
	.globl	exc_stubs, exc_stubs_end
	.balign	16
exc_stubs:
	vector = 0
	.rept	256
	.balign	16
	/* 8, 10–14, 17, 21, 29 and 30 push an error code by themselves. */
	own_code = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17
	own_code = own_code || vector == 21 || vector == 29 || vector == 30
	.if	own_code == 0
	push	$0
	.endif
	pushq	$vector
	jmp	common
	vector = vector + 1
	.endr
	.balign	16
common:
	push	%rax
	push	%rbx
	mov	$0xb000, %ebx
	incq	(%rbx)
	mov	16(%rsp), %rax
	mov	%rax, 8(%rbx)
	mov	24(%rsp), %rax
	mov	%rax, 16(%rbx)
	mov	32(%rsp), %rax
	mov	%rax, 24(%rbx)
	mov	%cr2, %rax
	mov	%rax, 32(%rbx)
	mov	48(%rsp), %rax
	mov	%rax, 40(%rbx)
	mov	40(%rsp), %rax
	mov	%rax, 48(%rbx)
	mov	56(%rsp), %rax
	mov	%rax, 56(%rbx)
	mov	8(%rbx), %eax
	incl	128(%rbx,%rax,4)
	cmpq	$0, 64(%rbx)
	je	2f
	cmp	$32, %eax
	jb	2f
	mov	$0xfee000b0, %eax
	movl	$0, (%rax)
2:	test	%r15, %r15
	jz	1f
	mov	%r15, 32(%rsp)
1:	pop	%rbx
	pop	%rax
	add	$16, %rsp
	iretq
exc_stubs_end:

	.section .note.GNU-stack, "", @progbits
