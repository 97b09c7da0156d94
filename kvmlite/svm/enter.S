/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The way into a guest and out again (APM 15.5).
 *
 * The global interrupt flag is clear from before the guest's segments are
 * loaded until the host's are back, so that neither NMI nor machine check can
 * run host code on the guest's GS. RFLAGS.IF is set meanwhile: with
 * V_INTR_MASKING it decides whether a physical interrupt ends guest mode.
 */

#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/frame.h>
#include <asm/nospec-branch.h>

#include "compat_asm.h"

/* Offsets in kl_vcpu.regs[]: enum kl_reg, which run.c checks. */
#define RCX_OFF	(1 * 8)
#define RDX_OFF	(2 * 8)
#define RBX_OFF	(3 * 8)
#define RBP_OFF	(5 * 8)
#define RSI_OFF	(6 * 8)
#define RDI_OFF	(7 * 8)
#define R8_OFF	(8 * 8)
#define R9_OFF	(9 * 8)
#define R10_OFF	(10 * 8)
#define R11_OFF	(11 * 8)
#define R12_OFF	(12 * 8)
#define R13_OFF	(13 * 8)
#define R14_OFF	(14 * 8)
#define R15_OFF	(15 * 8)

.section .noinstr.text, "ax"

/*
 * int kl_svm_enter(unsigned long vmcb_pa, unsigned long *regs,
 *		    unsigned long host_pa)
 *
 * Interrupts off on entry and on return. RAX, RSP, RIP and RFLAGS travel in
 * the VMCB, the other registers in @regs. Returns 0, or 1 if an instruction
 * faulted: the machine is being shut down and SVM is off.
 */
SYM_FUNC_START(kl_svm_enter)
	push	%rbp
	mov	%rsp, %rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	/* For the time after the exit, when no register is ours but RAX, RSP. */
	push	%rdx
	push	%rsi

	mov	%rdi, %rax
	mov	%rsi, %rdi

.Lclgi:
	clgi
	sti
.Lload_guest:
	vmload	%rax

	mov	RCX_OFF(%rdi), %rcx
	mov	RDX_OFF(%rdi), %rdx
	mov	RBX_OFF(%rdi), %rbx
	mov	RBP_OFF(%rdi), %rbp
	mov	RSI_OFF(%rdi), %rsi
	mov	R8_OFF(%rdi), %r8
	mov	R9_OFF(%rdi), %r9
	mov	R10_OFF(%rdi), %r10
	mov	R11_OFF(%rdi), %r11
	mov	R12_OFF(%rdi), %r12
	mov	R13_OFF(%rdi), %r13
	mov	R14_OFF(%rdi), %r14
	mov	R15_OFF(%rdi), %r15
	mov	RDI_OFF(%rdi), %rdi
	VM_CLEAR_CPU_BUFFERS

.Lrun:
	vmrun	%rax
.Lsave_guest:
	vmsave	%rax
.Lsaved:
	pop	%rax
	mov	%rcx, RCX_OFF(%rax)
	mov	%rdx, RDX_OFF(%rax)
	mov	%rbx, RBX_OFF(%rax)
	mov	%rbp, RBP_OFF(%rax)
	mov	%rsi, RSI_OFF(%rax)
	mov	%rdi, RDI_OFF(%rax)
	mov	%r8, R8_OFF(%rax)
	mov	%r9, R9_OFF(%rax)
	mov	%r10, R10_OFF(%rax)
	mov	%r11, R11_OFF(%rax)
	mov	%r12, R12_OFF(%rax)
	mov	%r13, R13_OFF(%rax)
	mov	%r14, R14_OFF(%rax)
	mov	%r15, R15_OFF(%rax)

	pop	%rax
.Lload_host:
	vmload	%rax
.Lloaded:
	xor	%ebx, %ebx

.Lout:
	/* Before the first return: none may follow the guest's training. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT
	UNTRAIN_RET_VM
	mov	%ebx, %eax

	/* No value of the guest's is left for speculation to pick up. */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d

	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	cli
.Lstgi:
	stgi
.Ldone:
	RET

	/*
	 * Only with EFER.SVME clear do these raise #UD. That happens with GIF
	 * set, so CLGI is the first to meet it and the host's state is intact.
	 */
.Loff:
	add	$16, %rsp
	mov	$1, %ebx
	jmp	.Lout

	_ASM_EXTABLE(.Lclgi, .Loff)
	_ASM_EXTABLE(.Lload_guest, .Loff)
	_ASM_EXTABLE(.Lrun, .Lsave_guest)
	_ASM_EXTABLE(.Lsave_guest, .Lsaved)
	_ASM_EXTABLE(.Lload_host, .Lloaded)
	_ASM_EXTABLE(.Lstgi, .Ldone)
SYM_FUNC_END(kl_svm_enter)
