/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The way into the guest and back.
 */

#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>

#include "compat_asm.h"

/* Offsets into vcpu->regs[]: the numbers that instructions use. */
#define RAX	0x00
#define RCX	0x08
#define RDX	0x10
#define RBX	0x18
#define RBP	0x28
#define RSI	0x30
#define RDI	0x38
#define R8	0x40
#define R9	0x48
#define R10	0x50
#define R11	0x58
#define R12	0x60
#define R13	0x68
#define R14	0x70
#define R15	0x78

/* The VMCS field HOST_RSP; <asm/vmx.h> is not for assembly. */
#define KL_HOST_RSP	0x6c14

	.section .noinstr.text, "ax"

/*
 * bool kl_vmx_enter(unsigned long *regs, unsigned long *host_rsp, bool launched)
 *
 * @host_rsp is what HOST_RSP holds; the stack is nearly always as deep as the
 * last time. RSP, RIP and RFLAGS of the guest are in the VMCS.
 *
 * An exit arrives at kl_vmx_exit_point with CF and ZF clear (28.5.3: RFLAGS is
 * cleared but for bit 1); a VMLAUNCH or VMRESUME that failed falls through to
 * the same place with CF or ZF set. Either way the general registers are the
 * guest's and the stack is as it was.
 */
SYM_FUNC_START(kl_vmx_enter)
	push	%rbp
	mov	%rsp, %rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi

	cmp	%rsp, (%rsi)
	je	1f
	mov	%rsp, (%rsi)
	mov	$KL_HOST_RSP, %eax
2:	vmwrite	%rsp, %rax
1:
	/* CF stays as it is from here to the branch; VERW changes ZF. */
	bt	$0, %edx

	mov	RAX(%rdi), %rax
	mov	RCX(%rdi), %rcx
	mov	RDX(%rdi), %rdx
	mov	RBX(%rdi), %rbx
	mov	RBP(%rdi), %rbp
	mov	RSI(%rdi), %rsi
	mov	R8(%rdi), %r8
	mov	R9(%rdi), %r9
	mov	R10(%rdi), %r10
	mov	R11(%rdi), %r11
	mov	R12(%rdi), %r12
	mov	R13(%rdi), %r13
	mov	R14(%rdi), %r14
	mov	R15(%rdi), %r15
	mov	RDI(%rdi), %rdi
	CLEAR_CPU_BUFFERS
	jnc	4f
3:	vmresume
	jmp	kl_vmx_exit_point
4:	vmlaunch

SYM_INNER_LABEL(kl_vmx_exit_point, SYM_L_GLOBAL)
	ENDBR
	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rax, RAX(%rdi)
	mov	%rcx, RCX(%rdi)
	mov	%rdx, RDX(%rdi)
	mov	%rbx, RBX(%rdi)
	mov	%rbp, RBP(%rdi)
	mov	%rsi, RSI(%rdi)
	mov	%r8, R8(%rdi)
	mov	%r9, R9(%rdi)
	mov	%r10, R10(%rdi)
	mov	%r11, R11(%rdi)
	mov	%r12, R12(%rdi)
	mov	%r13, R13(%rdi)
	mov	%r14, R14(%rdi)
	mov	%r15, R15(%rdi)
	pop	RDI(%rdi)
	setbe	%bl
	movzbl	%bl, %ebx

	/*
	 * Before the first return: none may follow the guest's training. Nor any
	 * other branch: IBRS holds for what was trained before it was written.
	 */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE
	ALTERNATIVE "jmp .Lspec_ctrl_is_the_hosts", "", X86_FEATURE_KERNEL_IBRS
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	PER_CPU_VAR(x86_spec_ctrl_current), %eax
	xor	%edx, %edx
	wrmsr
.Lspec_ctrl_is_the_hosts:
	COMPAT_CLEAR_BHB_VMEXIT

	/*
	 * Nothing the guest chose stays in a register for speculation to use;
	 * those popped below are the host's again.
	 */
	mov	%ebx, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d

	pop	%rdi
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

	/* The CPU is no longer in VMX operation: a failure like the others. */
5:	stc
	jmp	kl_vmx_exit_point

	_ASM_EXTABLE(2b, 1b)
	_ASM_EXTABLE(3b, 5b)
	_ASM_EXTABLE(4b, 5b)
SYM_FUNC_END(kl_vmx_enter)
