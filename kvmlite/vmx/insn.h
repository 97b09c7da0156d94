/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_VMX_INSN_H
#define KVMLITE_VMX_INSN_H

/*
 * The VMX instructions. Each may fault: a CPU that another one takes out of VMX
 * operation (reboot, crash) meets #UD wherever it is, and must go on from there
 * to its death without an oops. A read then gives zero, anything else an error.
 */

#include <linux/errno.h>
#include <asm/asm.h>
#include <asm/vmx.h>

void kl_vmread_failed(unsigned long field);
void kl_vmwrite_failed(unsigned long field, unsigned long val);

static __always_inline unsigned long kl_vmread(unsigned long field)
{
	unsigned long val = 0;
	bool fail;

	asm volatile("1: vmread %[field], %[val]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : [val] "+r" (val), "=@ccbe" (fail)
		     : [field] "r" (field));
	if (unlikely(fail))
		kl_vmread_failed(field);
	return val;
}

static __always_inline void kl_vmwrite(unsigned long field, unsigned long val)
{
	bool fail;

	asm volatile("1: vmwrite %[val], %[field]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "=@ccbe" (fail)
		     : [field] "r" (field), [val] "rm" (val));
	if (unlikely(fail))
		kl_vmwrite_failed(field, val);
}

/*
 * The others: 0, or -EIO for a failure and for a fault alike. A fault leaves
 * "failed" as it was.
 */
#define KL_VMX_INSN(insn, ...) ({						\
	bool failed = true;							\
										\
	asm volatile("1: " insn "\n"						\
		     "setbe %[failed]\n"					\
		     "2:\n"							\
		     _ASM_EXTABLE(1b, 2b)					\
		     : [failed] "+q" (failed) : __VA_ARGS__ : "cc", "memory");	\
	failed ? -EIO : 0;							\
})

static inline int kl_vmxon(u64 pa)
{
	return KL_VMX_INSN("vmxon %[pa]", [pa] "m" (pa));
}

static inline int kl_vmxoff(void)
{
	return KL_VMX_INSN("vmxoff");
}

static inline int kl_vmclear(u64 pa)
{
	return KL_VMX_INSN("vmclear %[pa]", [pa] "m" (pa));
}

static inline int kl_vmptrld(u64 pa)
{
	return KL_VMX_INSN("vmptrld %[pa]", [pa] "m" (pa));
}

/* The descriptor of INVEPT and INVVPID (SDM vol. 3, ch. 31). */
struct kl_inv_desc {
	u64 id;		/* EPTP; VPID in bits 15:0 */
	u64 address;
};

static inline int kl_invept(unsigned long type, u64 eptp)
{
	struct kl_inv_desc desc = { .id = eptp };

	return KL_VMX_INSN("invept %[desc], %[type]",
			   [desc] "m" (desc), [type] "r" (type));
}

static inline int kl_invvpid(unsigned long type, u16 vpid)
{
	struct kl_inv_desc desc = { .id = vpid };

	return KL_VMX_INSN("invvpid %[desc], %[type]",
			   [desc] "m" (desc), [type] "r" (type));
}

#endif
