// SPDX-License-Identifier: GPL-2.0
/* The walk of the guest's page tables: SDM vol. 3, chapter 4. */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "walk.h"

#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_U		BIT_ULL(2)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_PS		BIT_ULL(7)
#define PTE_NX		BIT_ULL(63)
#define PTE_ADDR	GENMASK_ULL(51, 12)

#define PF_P		BIT(0)
#define PF_W		BIT(1)
#define PF_U		BIT(2)
#define PF_RSVD		BIT(3)
#define PF_I		BIT(4)

/* PDPTEs of PAE paging have no rights, but some bits that must be zero. */
#define PDPTE_RESERVED	(GENMASK_ULL(2, 1) | GENMASK_ULL(8, 5))

/* Another CPU of the guest may change an entry under us so often. */
#define MAX_RETRIES	64

/* The four shapes of paging, as far as the walk differs. */
struct shape {
	int levels;		/* 2 to 5 */
	int bits;		/* of the address per level */
	unsigned int size;	/* of an entry */
	u64 root;
};

bool kl_pdpte_valid(u64 pdpte, u64 reserved_gpa)
{
	/* Bits 63:52 belong to no address and are reserved all the same. */
	return !(pdpte & PTE_P) ||
	       !(pdpte & (PDPTE_RESERVED | reserved_gpa | GENMASK_ULL(63, 52)));
}

static bool is_long(const struct kl_walk *w)
{
	return w->efer & EFER_LMA;
}

static bool has_nx(const struct kl_walk *w)
{
	return (w->cr4 & X86_CR4_PAE) && (w->efer & EFER_NX);
}

static struct shape shape_of(const struct kl_walk *w, u64 gva)
{
	if (is_long(w))
		return (struct shape) {
			.levels = w->cr4 & X86_CR4_LA57 ? 5 : 4,
			.bits = 9,
			.size = 8,
			.root = w->cr3 & PTE_ADDR & ~w->reserved_gpa,
		};
	if (w->cr4 & X86_CR4_PAE)
		return (struct shape) {
			.levels = 2,
			.bits = 9,
			.size = 8,
			.root = w->pdptrs[(gva >> 30) & 3] & PTE_ADDR,
		};
	return (struct shape) {
		.levels = 2,
		.bits = 10,
		.size = 4,
		.root = w->cr3 & GENMASK_ULL(31, 12),
	};
}

static bool is_leaf(const struct kl_walk *w, u64 pte, int level)
{
	if (level == 1)
		return true;
	if (!(pte & PTE_PS))
		return false;
	if (is_long(w))
		return level == 2 || (level == 3 && w->has_1g);
	/* PSE is always on with PAE. */
	return (w->cr4 & X86_CR4_PAE) || (w->cr4 & X86_CR4_PSE);
}

static u64 reserved_bits(const struct kl_walk *w, u64 pte, int level, bool leaf)
{
	u64 mask = w->reserved_gpa & PTE_ADDR;

	if (!(w->cr4 & X86_CR4_PAE) && !is_long(w)) {
		if (level == 1 || !leaf)
			return 0;
		/*
		 * PSE-36: bits 20:13 are address bits 39:32, and those that the
		 * CPU does not have must be zero; so must bit 21.
		 */
		return BIT_ULL(21) |
		       ((w->reserved_gpa >> 32 & 0xff) << 13);
	}
	if (!has_nx(w))
		mask |= PTE_NX;
	if (!is_long(w))
		mask |= GENMASK_ULL(62, 52);
	if (level > 1 && leaf)
		mask |= GENMASK_ULL(12 + 9 * (level - 1) - 1, 13);
	/* A size bit where no page of that size exists. */
	if (level > 1 && !leaf)
		mask |= PTE_PS;
	return mask;
}

/* The page frame that a leaf gives, without the offset. */
static u64 leaf_addr(const struct kl_walk *w, u64 pte, int level,
		     const struct shape *s)
{
	unsigned int shift = 12 + s->bits * (level - 1);

	if (s->size == 4 && level == 2)
		return (pte & GENMASK_ULL(31, 22)) |
		       ((pte >> 13 & 0xff) << 32);
	return pte & PTE_ADDR & ~(BIT_ULL(shift) - 1);
}

/* Rights: @user and @write are allowed on every level, @nx on any. */
static bool denied(const struct kl_walk *w, u32 access, bool user, bool write,
		   bool nx)
{
	if ((access & KL_ACCESS_FETCH) && nx)
		return true;
	if (access & KL_ACCESS_USER)
		return !user || ((access & KL_ACCESS_WRITE) && !write);
	if (user) {
		if (access & KL_ACCESS_FETCH) {
			if (w->cr4 & X86_CR4_SMEP)
				return true;
		} else if ((w->cr4 & X86_CR4_SMAP) &&
			   (!w->smap_off || (access & KL_ACCESS_IMPLICIT))) {
			return true;
		}
	}
	return (access & KL_ACCESS_WRITE) && !write && (w->cr0 & X86_CR0_WP);
}

static u32 fault_code(const struct kl_walk *w, u32 access, u32 code)
{
	if (access & KL_ACCESS_WRITE)
		code |= PF_W;
	if (access & KL_ACCESS_USER)
		code |= PF_U;
	/* Told only where the CPU makes a difference for fetches. */
	if ((access & KL_ACCESS_FETCH) &&
	    (has_nx(w) || (w->cr4 & X86_CR4_SMEP)))
		code |= PF_I;
	return code;
}

/* What the walk met on its way, to set the accessed bits at the end. */
struct trail {
	gpa_t addr[5];
	u64 pte[5];
};

/*
 * Accessed on every level, dirty in the leaf. The CPU does this as it goes;
 * doing it once the access is known to be allowed is allowed, too.
 */
static int set_ad(const struct kl_walk *w, struct trail *t, int from, int leaf,
		  unsigned int size, u32 access)
{
	int level, ret;

	for (level = from; level >= leaf; level--) {
		u64 old = t->pte[level - 1];
		u64 new = old | PTE_A;

		if (level == leaf && (access & KL_ACCESS_WRITE))
			new |= PTE_D;
		if (new == old)
			continue;
		ret = w->swap_entry(w->ctx, t->addr[level - 1], &old, new, size);
		if (ret)
			return ret;
	}
	return 0;
}

static int walk_once(const struct kl_walk *w, u64 gva, u32 access, gpa_t *gpa,
		     u32 *error_code)
{
	struct shape s = shape_of(w, gva);
	bool user = true, write = true, nx = false, leaf;
	struct trail trail;
	u64 table = s.root;
	unsigned int shift;
	int level, ret;
	u64 pte;

	if (!is_long(w) && (w->cr4 & X86_CR4_PAE) &&
	    !(w->pdptrs[(gva >> 30) & 3] & PTE_P)) {
		*error_code = fault_code(w, access, 0);
		return 1;
	}
	for (level = s.levels;; level--) {
		shift = 12 + s.bits * (level - 1);
		trail.addr[level - 1] = table +
			((gva >> shift) & (BIT(s.bits) - 1)) * s.size;
		ret = w->read_entry(w->ctx, trail.addr[level - 1], &pte, s.size);
		if (ret)
			return ret;
		trail.pte[level - 1] = pte;

		if (!(pte & PTE_P)) {
			*error_code = fault_code(w, access, 0);
			return 1;
		}
		leaf = is_leaf(w, pte, level);
		if (pte & reserved_bits(w, pte, level, leaf)) {
			*error_code = fault_code(w, access, PF_P | PF_RSVD);
			return 1;
		}
		user &= !!(pte & PTE_U);
		write &= !!(pte & PTE_W);
		nx |= s.size == 8 && (pte & PTE_NX);
		if (leaf)
			break;
		table = s.size == 4 ? pte & GENMASK_ULL(31, 12) :
				      pte & PTE_ADDR;
	}
	if (denied(w, access, user, write, nx)) {
		*error_code = fault_code(w, access, PF_P);
		return 1;
	}
	if (access & KL_ACCESS_SET_AD) {
		ret = set_ad(w, &trail, s.levels, level, s.size, access);
		if (ret)
			return ret;
	}
	*gpa = leaf_addr(w, pte, level, &s) | (gva & (BIT_ULL(shift) - 1));
	return 0;
}

int kl_walk(const struct kl_walk *w, u64 gva, u32 access, gpa_t *gpa,
	    u32 *error_code)
{
	int i, ret;

	if (!is_long(w))
		gva = (u32)gva;
	if (!(w->cr0 & X86_CR0_PG)) {
		*gpa = gva;
		return 0;
	}
	for (i = 0; i < MAX_RETRIES; i++) {
		ret = walk_once(w, gva, access, gpa, error_code);
		/* -EAGAIN: an entry was changed between the two looks. */
		if (ret != -EAGAIN)
			return ret;
	}
	return -EFAULT;
}
