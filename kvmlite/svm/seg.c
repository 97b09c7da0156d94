// SPDX-License-Identifier: GPL-2.0
/*
 * Segment attributes as the VMCB packs them: bits 55:52 and 47:40 of a
 * descriptor side by side in twelve bits (APM appendix B). There is no
 * "unusable" bit as VT-x has it; a segment that is not present takes its place.
 */

#include <asm/kvm.h>

#include "seg.h"

#define KL_ATTRIB_TYPE	0x00f
#define KL_ATTRIB_S	BIT(4)
#define KL_ATTRIB_DPL	5
#define KL_ATTRIB_P	BIT(7)
#define KL_ATTRIB_AVL	BIT(8)
#define KL_ATTRIB_L	BIT(9)
#define KL_ATTRIB_DB	BIT(10)
#define KL_ATTRIB_G	BIT(11)

u16 kl_svm_pack_attrib(const struct kvm_segment *var)
{
	u16 a = var->type & KL_ATTRIB_TYPE;

	if (var->s)
		a |= KL_ATTRIB_S;
	a |= (var->dpl & 3) << KL_ATTRIB_DPL;
	if (var->present && !var->unusable)
		a |= KL_ATTRIB_P;
	if (var->avl)
		a |= KL_ATTRIB_AVL;
	if (var->l)
		a |= KL_ATTRIB_L;
	if (var->db)
		a |= KL_ATTRIB_DB;
	if (var->g)
		a |= KL_ATTRIB_G;
	return a;
}

void kl_svm_unpack_attrib(u16 a, struct kvm_segment *var)
{
	var->type = a & KL_ATTRIB_TYPE;
	var->s = !!(a & KL_ATTRIB_S);
	var->dpl = (a >> KL_ATTRIB_DPL) & 3;
	var->present = !!(a & KL_ATTRIB_P);
	var->avl = !!(a & KL_ATTRIB_AVL);
	var->l = !!(a & KL_ATTRIB_L);
	var->db = !!(a & KL_ATTRIB_DB);
	var->g = !!(a & KL_ATTRIB_G);
	var->unusable = !var->present;
}
