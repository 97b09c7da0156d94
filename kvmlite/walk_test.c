// SPDX-License-Identifier: GPL-2.0
/* The guest's page tables, walked in a few pages of pretended guest memory. */
#include <kunit/test.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "walk.h"

#define P	0x1ULL
#define W	0x2ULL
#define U	0x4ULL
#define A	0x20ULL
#define D	0x40ULL
#define PS	0x80ULL
#define NX	BIT_ULL(63)
#define RWU	(P | W | U)

#define PF_P	0x1
#define PF_W	0x2
#define PF_U	0x4
#define PF_RSVD	0x8
#define PF_I	0x10

#define MAXPHYADDR 40
#define MEM_PAGES 8

struct guest {
	struct kl_walk w;
	u64 pdptrs[4];
	u8 mem[MEM_PAGES * 4096];
	/* Every nth exchange finds the entry changed. */
	unsigned int swaps, disturb;
};

static int read_entry(void *ctx, gpa_t gpa, u64 *entry, unsigned int size)
{
	struct guest *g = ctx;

	if (gpa + size > sizeof(g->mem))
		return -EFAULT;
	*entry = 0;
	memcpy(entry, g->mem + gpa, size);
	return 0;
}

static int swap_entry(void *ctx, gpa_t gpa, u64 *old, u64 new,
		      unsigned int size)
{
	struct guest *g = ctx;

	if (gpa + size > sizeof(g->mem))
		return -EFAULT;
	if (g->disturb && ++g->swaps % g->disturb == 0)
		return -EAGAIN;
	if (memcmp(g->mem + gpa, old, size))
		return -EAGAIN;
	memcpy(g->mem + gpa, &new, size);
	return 0;
}

static struct guest *guest_new(struct kunit *test, u64 cr4, u64 efer)
{
	struct guest *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, g);
	g->w.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_WP;
	g->w.cr3 = 0x1000;
	g->w.cr4 = cr4;
	g->w.efer = efer;
	g->w.pdptrs = g->pdptrs;
	g->w.reserved_gpa = GENMASK_ULL(51, MAXPHYADDR);
	g->w.has_1g = true;
	g->w.read_entry = read_entry;
	g->w.swap_entry = swap_entry;
	g->w.ctx = g;
	return g;
}

static u64 *entry64(struct guest *g, u64 table, unsigned int i)
{
	return (u64 *)(g->mem + table) + i;
}

static u32 *entry32(struct guest *g, u64 table, unsigned int i)
{
	return (u32 *)(g->mem + table) + i;
}

/* The address it translates to, or the page fault's error code. */
#define TO(gpa)		(gpa)
#define FAULT(code)	(BIT_ULL(62) | (code))
#define NO_MEMORY	BIT_ULL(61)

static u64 walk(struct guest *g, u64 gva, u32 access)
{
	u32 code = 0;
	gpa_t gpa = 0;
	int ret;

	ret = kl_walk(&g->w, gva, access, &gpa, &code);
	if (ret == 1)
		return FAULT(code);
	return ret ? NO_MEMORY : TO(gpa);
}

#define R	0
#define WR	KL_ACCESS_WRITE
#define X	KL_ACCESS_FETCH
#define USR	KL_ACCESS_USER
#define IMPL	KL_ACCESS_IMPLICIT

static void no_paging(struct kunit *test)
{
	struct guest *g = guest_new(test, 0, 0);

	g->w.cr0 = X86_CR0_PE;
	KUNIT_EXPECT_EQ(test, walk(g, 0x12345678, R), TO(0x12345678));
	KUNIT_EXPECT_EQ(test, walk(g, 0x112345678, WR | USR), TO(0x12345678));
}

static void two_levels(struct kunit *test)
{
	struct guest *g = guest_new(test, X86_CR4_PSE, 0);

	*entry32(g, 0x1000, 1) = 0x2000 | RWU;
	*entry32(g, 0x2000, 3) = 0xabcd000 | RWU;
	*entry32(g, 0x2000, 4) = 0xabce000 | P | U;
	*entry32(g, 0x2000, 5) = 0xabcf000 | P | W;
	*entry32(g, 0x2000, 1023) = 0xfffff000 | RWU;
	/* 4 MiB at 0x45_ffc00000: PSE-36 puts bits 39:32 at 20:13. */
	*entry32(g, 0x1000, 2) = 0xffc00000 | 0x45 << 13 | PS | RWU;
	*entry32(g, 0x1000, 3) = 0x00600000 | PS | RWU;
	*entry32(g, 0x1000, 4) = 0x12345000 | RWU;

	KUNIT_EXPECT_EQ(test, walk(g, 0x403123, R), TO(0xabcd123));
	KUNIT_EXPECT_EQ(test, walk(g, 0x7fffff, R), TO(0xffffffff));
	KUNIT_EXPECT_EQ(test, walk(g, 0x100403123, R), TO(0xabcd123));
	KUNIT_EXPECT_EQ(test, walk(g, 0x812345, R), TO(0x45ffc12345));
	/* bit 21 of a 4 MiB entry is reserved */
	KUNIT_EXPECT_EQ(test, walk(g, 0xc00000, R), FAULT(PF_P | PF_RSVD));
	KUNIT_EXPECT_EQ(test, walk(g, 0x1000000, R), NO_MEMORY);

	KUNIT_EXPECT_EQ(test, walk(g, 0, R), FAULT(0));
	KUNIT_EXPECT_EQ(test, walk(g, 0, WR | USR), FAULT(PF_W | PF_U));
	KUNIT_EXPECT_EQ(test, walk(g, 0x404000, USR), TO(0xabce000));
	KUNIT_EXPECT_EQ(test, walk(g, 0x404000, WR | USR),
			FAULT(PF_P | PF_W | PF_U));
	KUNIT_EXPECT_EQ(test, walk(g, 0x405000, USR), FAULT(PF_P | PF_U));
	/* Fetches are not told apart without NX and SMEP. */
	KUNIT_EXPECT_EQ(test, walk(g, 0x405000, X | USR), FAULT(PF_P | PF_U));

	/* The supervisor minds read-only pages only with CR0.WP. */
	KUNIT_EXPECT_EQ(test, walk(g, 0x404000, WR), FAULT(PF_P | PF_W));
	g->w.cr0 &= ~X86_CR0_WP;
	KUNIT_EXPECT_EQ(test, walk(g, 0x404000, WR), TO(0xabce000));
	KUNIT_EXPECT_EQ(test, walk(g, 0x404000, WR | USR),
			FAULT(PF_P | PF_W | PF_U));

	/* Without PSE the size bit means nothing. */
	g->w.cr4 = 0;
	*entry32(g, 0x1000, 5) = 0x2000 | PS | RWU;
	KUNIT_EXPECT_EQ(test, walk(g, 0x1403123, R), TO(0xabcd123));

	/* PSE-36 bits that the CPU does not have are reserved. */
	g->w.cr4 = X86_CR4_PSE;
	g->w.reserved_gpa = GENMASK_ULL(51, 36);
	KUNIT_EXPECT_EQ(test, walk(g, 0x812345, R), FAULT(PF_P | PF_RSVD));
}

static void pae(struct kunit *test)
{
	struct guest *g = guest_new(test, X86_CR4_PAE, EFER_NX);

	/* The registers count, whatever CR3 points to. */
	g->w.cr3 = 0x7fffffe0;
	g->pdptrs[0] = 0x2000 | P;
	g->pdptrs[3] = 0x3000 | P;
	*entry64(g, 0x2000, 1) = 0x4000 | RWU;
	*entry64(g, 0x2000, 2) = 0x8000000000 | PS | RWU | NX;
	*entry64(g, 0x3000, 511) = 0x4000 | RWU;
	*entry64(g, 0x4000, 7) = 0xab12345000 | RWU;
	*entry64(g, 0x4000, 8) = BIT_ULL(MAXPHYADDR) | RWU;
	*entry64(g, 0x4000, 9) = BIT_ULL(52) | RWU;
	*entry64(g, 0x4000, 10) = 0x6000 | RWU | NX;

	KUNIT_EXPECT_EQ(test, walk(g, 0x207abc, R), TO(0xab12345abc));
	KUNIT_EXPECT_EQ(test, walk(g, 0xffe07abc, R), TO(0xab12345abc));
	KUNIT_EXPECT_EQ(test, walk(g, 0x4abcde, R), TO(0x80000abcde));
	KUNIT_EXPECT_EQ(test, walk(g, 0x4abcde, X), FAULT(PF_P | PF_I));
	/* not a present PDPTE; address too wide; bits 62:52 */
	KUNIT_EXPECT_EQ(test, walk(g, 0x40000000, R), FAULT(0));
	KUNIT_EXPECT_EQ(test, walk(g, 0x40000000, X), FAULT(PF_I));
	KUNIT_EXPECT_EQ(test, walk(g, 0x208000, R), FAULT(PF_P | PF_RSVD));
	KUNIT_EXPECT_EQ(test, walk(g, 0x209000, R), FAULT(PF_P | PF_RSVD));
	KUNIT_EXPECT_EQ(test, walk(g, 0x20a000, R), TO(0x6000));
	/* NX is reserved until EFER.NXE turns it on. */
	g->w.efer = 0;
	KUNIT_EXPECT_EQ(test, walk(g, 0x20a000, R), FAULT(PF_P | PF_RSVD));
	/* A 2 MiB page has zeroes where its offset would be. */
	*entry64(g, 0x2000, 3) = 0x600000 | BIT(13) | PS | RWU;
	KUNIT_EXPECT_EQ(test, walk(g, 0x600000, R), FAULT(PF_P | PF_RSVD));

	KUNIT_EXPECT_TRUE(test, kl_pdpte_valid(0, g->w.reserved_gpa));
	KUNIT_EXPECT_TRUE(test, kl_pdpte_valid(0x1fe, g->w.reserved_gpa));
	KUNIT_EXPECT_TRUE(test, kl_pdpte_valid(0xff12345e19, g->w.reserved_gpa));
	KUNIT_EXPECT_FALSE(test, kl_pdpte_valid(P | W, g->w.reserved_gpa));
	KUNIT_EXPECT_FALSE(test, kl_pdpte_valid(P | BIT(8), g->w.reserved_gpa));
	KUNIT_EXPECT_FALSE(test, kl_pdpte_valid(P | BIT_ULL(MAXPHYADDR),
						g->w.reserved_gpa));
	KUNIT_EXPECT_FALSE(test, kl_pdpte_valid(P | NX, g->w.reserved_gpa));
}

/* PML4 at 0x1000, PDPT at 0x2000, PD at 0x3000, PT at 0x4000. */
static struct guest *long_guest(struct kunit *test, u64 cr4)
{
	struct guest *g = guest_new(test, X86_CR4_PAE | cr4,
				    EFER_LMA | EFER_LME | EFER_NX);

	*entry64(g, 0x1000, 0) = 0x2000 | RWU;
	*entry64(g, 0x1000, 511) = 0x2000 | RWU;
	*entry64(g, 0x2000, 0) = 0x3000 | RWU;
	*entry64(g, 0x2000, 1) = 0x8040000000 | PS | RWU;
	*entry64(g, 0x3000, 0) = 0x4000 | RWU;
	*entry64(g, 0x3000, 1) = 0x200000 | PS | P | W;
	*entry64(g, 0x4000, 0) = 0x5000 | RWU;
	*entry64(g, 0x4000, 1) = 0x6000 | P | W;
	*entry64(g, 0x4000, 2) = 0x7000 | P | U;
	*entry64(g, 0x4000, 3) = 0x8000 | RWU | NX;
	return g;
}

static void four_levels(struct kunit *test)
{
	struct guest *g = long_guest(test, 0);

	KUNIT_EXPECT_EQ(test, walk(g, 0x123, R), TO(0x5123));
	KUNIT_EXPECT_EQ(test, walk(g, 0xffffff8000000123, R), TO(0x5123));
	KUNIT_EXPECT_EQ(test, walk(g, 0x2abcde, R), TO(0x2abcde));
	KUNIT_EXPECT_EQ(test, walk(g, 0x7abcdef0, R), TO(0x807abcdef0));
	KUNIT_EXPECT_EQ(test, walk(g, 0x8000000000, WR), FAULT(PF_W));

	/* The user bit must be there on every level. */
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, WR | USR), TO(0x5000));
	KUNIT_EXPECT_EQ(test, walk(g, 0x1000, USR), FAULT(PF_P | PF_U));
	*entry64(g, 0x1000, 0) &= ~U;
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, USR), FAULT(PF_P | PF_U));
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, R), TO(0x5000));
	*entry64(g, 0x1000, 0) |= U;
	/* So must the write bit; NX counts on any. */
	*entry64(g, 0x2000, 0) &= ~W;
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, WR), FAULT(PF_P | PF_W));
	*entry64(g, 0x2000, 0) |= W | NX;
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, X), FAULT(PF_P | PF_I));
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, X | USR), FAULT(PF_P | PF_I | PF_U));
	*entry64(g, 0x2000, 0) &= ~NX;
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, X), TO(0x5000));
	KUNIT_EXPECT_EQ(test, walk(g, 0x3000, X), FAULT(PF_P | PF_I));
	KUNIT_EXPECT_EQ(test, walk(g, 0x3000, R), TO(0x8000));

	/* Ignored bits are ignored, reserved ones are not. */
	*entry64(g, 0x4000, 0) |= GENMASK_ULL(62, 52) | GENMASK_ULL(11, 8);
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, R), TO(0x5000));
	*entry64(g, 0x4000, 0) |= BIT_ULL(MAXPHYADDR);
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, WR | USR),
			FAULT(PF_P | PF_RSVD | PF_W | PF_U));
	*entry64(g, 0x1000, 1) = 0x2000 | PS | RWU;
	KUNIT_EXPECT_EQ(test, walk(g, 0x8000000000, R), FAULT(PF_P | PF_RSVD));
	g->w.has_1g = false;
	KUNIT_EXPECT_EQ(test, walk(g, 0x7abcdef0, R), FAULT(PF_P | PF_RSVD));
	g->w.efer &= ~EFER_NX;
	KUNIT_EXPECT_EQ(test, walk(g, 0x3000, R), FAULT(PF_P | PF_RSVD));

	*entry64(g, 0x3000, 2) = 0xffff000 | RWU;
	KUNIT_EXPECT_EQ(test, walk(g, 0x400000, R), NO_MEMORY);
}

static void smep_smap(struct kunit *test)
{
	struct guest *g = long_guest(test, X86_CR4_SMEP | X86_CR4_SMAP);

	KUNIT_EXPECT_EQ(test, walk(g, 0x0, X), FAULT(PF_P | PF_I));
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, X | USR), TO(0x5000));
	KUNIT_EXPECT_EQ(test, walk(g, 0x1000, X), TO(0x6000));
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, R), FAULT(PF_P));
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, WR), FAULT(PF_P | PF_W));
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, WR | USR), TO(0x5000));
	KUNIT_EXPECT_EQ(test, walk(g, 0x1000, WR), TO(0x6000));
	/* RFLAGS.AC lifts SMAP, but not for accesses nobody asked for. */
	g->w.smap_off = true;
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, WR), TO(0x5000));
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, R | IMPL), FAULT(PF_P));
	KUNIT_EXPECT_EQ(test, walk(g, 0x1000, R | IMPL), TO(0x6000));
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, X), FAULT(PF_P | PF_I));
	/* Writable to the user, read-only page: WP still counts. */
	KUNIT_EXPECT_EQ(test, walk(g, 0x2000, WR), FAULT(PF_P | PF_W));
	/* SMEP alone makes the CPU tell fetches apart. */
	g->w.efer &= ~EFER_NX;
	*entry64(g, 0x4000, 4) = 0;
	KUNIT_EXPECT_EQ(test, walk(g, 0x4000, X), FAULT(PF_I));
}

static void five_levels(struct kunit *test)
{
	struct guest *g = long_guest(test, X86_CR4_LA57);

	g->w.cr3 = 0x7000;
	*entry64(g, 0x7000, 3) = 0x1000 | RWU;
	KUNIT_EXPECT_EQ(test, walk(g, (3ULL << 48) | 0x123, R), TO(0x5123));
	KUNIT_EXPECT_EQ(test, walk(g, (2ULL << 48) | 0x123, R), FAULT(0));
	*entry64(g, 0x7000, 3) |= PS;
	KUNIT_EXPECT_EQ(test, walk(g, (3ULL << 48) | 0x123, R),
			FAULT(PF_P | PF_RSVD));
}

static void accessed_dirty(struct kunit *test)
{
	struct guest *g = long_guest(test, 0);

	/* Looking only */
	walk(g, 0x0, WR);
	KUNIT_EXPECT_EQ(test, *entry64(g, 0x4000, 0), 0x5000 | RWU);
	/* A fault leaves no trace. */
	walk(g, 0x1000, USR | KL_ACCESS_SET_AD);
	KUNIT_EXPECT_EQ(test, *entry64(g, 0x1000, 0), 0x2000 | RWU);

	KUNIT_EXPECT_EQ(test, walk(g, 0x0, R | KL_ACCESS_SET_AD), TO(0x5000));
	KUNIT_EXPECT_EQ(test, *entry64(g, 0x1000, 0), 0x2000 | RWU | A);
	KUNIT_EXPECT_EQ(test, *entry64(g, 0x2000, 0), 0x3000 | RWU | A);
	KUNIT_EXPECT_EQ(test, *entry64(g, 0x3000, 0), 0x4000 | RWU | A);
	KUNIT_EXPECT_EQ(test, *entry64(g, 0x4000, 0), 0x5000 | RWU | A);
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, WR | KL_ACCESS_SET_AD), TO(0x5000));
	KUNIT_EXPECT_EQ(test, *entry64(g, 0x3000, 0), 0x4000 | RWU | A);
	KUNIT_EXPECT_EQ(test, *entry64(g, 0x4000, 0), 0x5000 | RWU | A | D);
	/* A large page has its dirty bit where it is a leaf. */
	walk(g, 0x200000, WR | KL_ACCESS_SET_AD);
	KUNIT_EXPECT_EQ(test, *entry64(g, 0x3000, 1),
			0x200000 | PS | P | W | A | D);

	/* Somebody else changes the entry: look again. */
	g->disturb = 2;
	KUNIT_EXPECT_EQ(test, walk(g, 0x2000, R | KL_ACCESS_SET_AD), TO(0x7000));
	KUNIT_EXPECT_EQ(test, *entry64(g, 0x4000, 2), 0x7000 | P | U | A);
	/* But not for ever. */
	g->disturb = 1;
	KUNIT_EXPECT_EQ(test, walk(g, 0x3000, R | KL_ACCESS_SET_AD), NO_MEMORY);
}

static void accessed_dirty_32(struct kunit *test)
{
	struct guest *g = guest_new(test, X86_CR4_PSE, 0);

	*entry32(g, 0x1000, 0) = 0x2000 | RWU;
	*entry32(g, 0x2000, 0) = 0x3000 | RWU;
	*entry32(g, 0x2000, 1) = 0x12345678;
	KUNIT_EXPECT_EQ(test, walk(g, 0x0, WR | KL_ACCESS_SET_AD), TO(0x3000));
	KUNIT_EXPECT_EQ(test, *entry32(g, 0x1000, 0), 0x2000 | RWU | A);
	KUNIT_EXPECT_EQ(test, *entry32(g, 0x2000, 0), 0x3000 | RWU | A | D);
	/* Entries have four bytes: the neighbour is as it was. */
	KUNIT_EXPECT_EQ(test, *entry32(g, 0x2000, 1), 0x12345678);
}

static struct kunit_case walk_cases[] = {
	KUNIT_CASE(no_paging),
	KUNIT_CASE(two_levels),
	KUNIT_CASE(pae),
	KUNIT_CASE(four_levels),
	KUNIT_CASE(smep_smap),
	KUNIT_CASE(five_levels),
	KUNIT_CASE(accessed_dirty),
	KUNIT_CASE(accessed_dirty_32),
	{}
};

static struct kunit_suite walk_suite = {
	.name = "kvmlite_walk",
	.test_cases = walk_cases,
};

kunit_test_suite(walk_suite);
