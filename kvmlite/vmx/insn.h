/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_VMX_INSN_H
#define KVMLITE_VMX_INSN_H

/*
 * The VMX instructions. Each may fault: a CPU that another one takes out of VMX
 * operation (reboot, crash) meets #UD wherever it is, and must go on from there
 * to its death without an oops. A read then gives zero, anything else an error.
 */

#include <asm/asm.h>
#include <asm/vmx.h>

struct kl_vmcs;

void kl_vmread_failed(unsigned long field);
void kl_vmwrite_failed(unsigned long field, unsigned long val);

static __always_inline unsigned long kl_vmread(unsigned long field)
{
	unsigned long val;
	bool fail;

	asm volatile("1: vmread %[field], %[val]\n"
		     "2:\n"
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_ZERO_REG, %[val])
		     : [val] "=r" (val), "=@ccbe" (fail)
		     : [field] "r" (field));
	if (unlikely(fail))
		kl_vmread_failed(field);
	return val;
}

static __always_inline void kl_vmwrite(unsigned long field, unsigned long val)
{
	asm goto("1: vmwrite %[val], %[field]\n"
		 "jbe %l[fail]\n"
		 _ASM_EXTABLE(1b, %l[fail])
		 : : [field] "r" (field), [val] "rm" (val) : "cc" : fail);
	return;
fail:
	kl_vmwrite_failed(field, val);
}

/* The rest return 0, or -EIO for a failure and for a fault alike. */
static inline int kl_vmxon(u64 pa)
{
	asm goto("1: vmxon %[pa]\n"
		 "jbe %l[fail]\n"
		 _ASM_EXTABLE(1b, %l[fail])
		 : : [pa] "m" (pa) : "cc", "memory" : fail);
	return 0;
fail:
	return -EIO;
}

static inline int kl_vmxoff(void)
{
	asm goto("1: vmxoff\n"
		 "jbe %l[fail]\n"
		 _ASM_EXTABLE(1b, %l[fail])
		 : : : "cc", "memory" : fail);
	return 0;
fail:
	return -EIO;
}

static inline int kl_vmclear(u64 pa)
{
	asm goto("1: vmclear %[pa]\n"
		 "jbe %l[fail]\n"
		 _ASM_EXTABLE(1b, %l[fail])
		 : : [pa] "m" (pa) : "cc", "memory" : fail);
	return 0;
fail:
	return -EIO;
}

static inline int kl_vmptrld(u64 pa)
{
	asm goto("1: vmptrld %[pa]\n"
		 "jbe %l[fail]\n"
		 _ASM_EXTABLE(1b, %l[fail])
		 : : [pa] "m" (pa) : "cc", "memory" : fail);
	return 0;
fail:
	return -EIO;
}

/* The descriptor of INVEPT and INVVPID (SDM vol. 3, ch. 31). */
struct kl_inv_desc {
	u64 id;		/* EPTP; VPID in bits 15:0 */
	u64 address;
};

static inline int kl_invept(unsigned long type, u64 eptp)
{
	struct kl_inv_desc desc = { .id = eptp };

	asm goto("1: invept %[desc], %[type]\n"
		 "jbe %l[fail]\n"
		 _ASM_EXTABLE(1b, %l[fail])
		 : : [desc] "m" (desc), [type] "r" (type) : "cc", "memory" : fail);
	return 0;
fail:
	return -EIO;
}

static inline int kl_invvpid(unsigned long type, u16 vpid)
{
	struct kl_inv_desc desc = { .id = vpid };

	asm goto("1: invvpid %[desc], %[type]\n"
		 "jbe %l[fail]\n"
		 _ASM_EXTABLE(1b, %l[fail])
		 : : [desc] "m" (desc), [type] "r" (type) : "cc", "memory" : fail);
	return 0;
fail:
	return -EIO;
}

#endif
