/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_VMX_SEGMENT_H
#define KVMLITE_VMX_SEGMENT_H

/*
 * Access rights of a segment as the VMCS has them (SDM vol. 3, table 25-2).
 */

#include <linux/kvm.h>
#include <linux/types.h>

#define KL_AR_TYPE	0x0000fu
#define KL_AR_S		0x00010u
#define KL_AR_DPL_SHIFT	5
#define KL_AR_P		0x00080u
#define KL_AR_AVL	0x01000u
#define KL_AR_L		0x02000u
#define KL_AR_DB	0x04000u
#define KL_AR_G		0x08000u
#define KL_AR_UNUSABLE	0x10000u
#define KL_AR_RESERVED	0xfffe0f00u

static inline u32 kl_ar_dpl(u32 ar)
{
	return (ar >> KL_AR_DPL_SHIFT) & 3;
}

static inline u32 kl_ar_encode(const struct kvm_segment *s)
{
	/* A segment that is not present cannot be used, whatever else it says. */
	if (s->unusable || !s->present)
		return KL_AR_UNUSABLE;

	return (s->type & KL_AR_TYPE) |
	       (s->s ? KL_AR_S : 0) |
	       (u32)(s->dpl & 3) << KL_AR_DPL_SHIFT |
	       KL_AR_P |
	       (s->avl ? KL_AR_AVL : 0) |
	       (s->l ? KL_AR_L : 0) |
	       (s->db ? KL_AR_DB : 0) |
	       (s->g ? KL_AR_G : 0);
}

static inline void kl_ar_decode(u32 ar, struct kvm_segment *s)
{
	s->type = ar & KL_AR_TYPE;
	s->s = !!(ar & KL_AR_S);
	s->dpl = kl_ar_dpl(ar);
	s->avl = !!(ar & KL_AR_AVL);
	s->l = !!(ar & KL_AR_L);
	s->db = !!(ar & KL_AR_DB);
	s->g = !!(ar & KL_AR_G);
	s->unusable = !!(ar & KL_AR_UNUSABLE);
	/* The CPU leaves P as it was in one that became unusable. */
	s->present = !s->unusable;
	s->padding = 0;
}

#endif
