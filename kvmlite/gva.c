// SPDX-License-Identifier: GPL-2.0
/* Memory by the guest's linear addresses: the walk, applied to a vCPU. */
#include <linux/mm.h>
#include <asm/cpufeatures.h>
#include <asm/trapnr.h>

#include "mmu_internal.h"
#include "regs.h"
#include "vcpu.h"
#include "walk.h"

/* What the callbacks of a walk need; @trail may be NULL. */
struct tables {
	struct kl_vm *vm;
	struct kl_code_page *trail;
};

static void note_entry(struct tables *t, gpa_t gpa, u64 entry, unsigned int size)
{
	struct kl_code_page *trail = t->trail;
	unsigned long hva = kl_gpa_hva(t->vm, gpa);

	if (size != sizeof(entry) || trail->nr == KL_WALK_LEVELS || !hva) {
		trail->exact = false;
		return;
	}
	trail->entry[trail->nr].hva = hva;
	trail->entry[trail->nr++].val = entry;
}

static int read_entry(void *ctx, gpa_t gpa, u64 *entry, unsigned int size)
{
	struct tables *t = ctx;
	int ret = kl_gpa_read_entry(t->vm, gpa, entry, size);

	if (t->trail && !ret)
		note_entry(t, gpa, *entry, size);
	return ret;
}

static int swap_entry(void *ctx, gpa_t gpa, u64 *old, u64 new,
		      unsigned int size)
{
	struct tables *t = ctx;

	if (t->trail)
		t->trail->exact = false;
	return kl_gpa_cmpxchg(t->vm, gpa, old, new, size);
}

int kl_gva_walk(struct kl_vcpu *vcpu, u64 gva, u32 access, gpa_t *gpa,
		struct kl_exception *fault, struct kl_code_page *trail)
{
	struct tables tables = { .vm = vcpu->vm, .trail = trail };
	struct kl_walk w = {
		.cr0 = kl_cr0(vcpu),
		.cr3 = kl_cr3(vcpu),
		.cr4 = kl_cr4(vcpu),
		.efer = vcpu->efer,
		.pdptrs = vcpu->pdptrs,
		.reserved_gpa = vcpu->cpuid.reserved_gpa,
		.has_1g = kl_guest_has(vcpu, X86_FEATURE_GBPAGES),
		.read_entry = read_entry,
		.swap_entry = swap_entry,
		.ctx = &tables,
	};
	u32 error_code = 0;
	int ret;

	if (w.cr4 & X86_CR4_SMAP)
		w.smap_off = kl_rflags_read(vcpu) & X86_EFLAGS_AC;
	if (kl_is_pae_paging(vcpu) && !kl_reg_is_avail(vcpu, KL_REG_PDPTR))
		kl_ops->cache_reg(vcpu, KL_REG_PDPTR);

	ret = kl_walk(&w, gva, access, gpa, &error_code);
	if (ret == 1 && fault) {
		*fault = (struct kl_exception) {
			.vector = X86_TRAP_PF,
			.has_error_code = true,
			.error_code = error_code,
			.has_payload = true,
			.payload = gva,
		};
	}
	return ret;
}

int kl_gva_to_gpa(struct kl_vcpu *vcpu, u64 gva, u32 access, gpa_t *gpa,
		  struct kl_exception *fault)
{
	return kl_gva_walk(vcpu, gva, access, gpa, fault, NULL);
}

/* Where the part of an access lies that is in one page. */
struct piece {
	gpa_t gpa;
	unsigned int len;
};

/*
 * Translate an access that touches at most two pages, so that a fault on the
 * second is known before anything is done to the first. Returns the number of
 * pages, or as kl_gva_to_gpa(): then in *@ret.
 */
static int translate(struct kl_vcpu *vcpu, u64 gva, unsigned int len,
		     u32 access, struct piece *piece, int *ret,
		     struct kl_exception *fault)
{
	int n = 0;

	while (len) {
		unsigned int part = min_t(unsigned int, len,
					  PAGE_SIZE - offset_in_page(gva));

		*ret = kl_gva_to_gpa(vcpu, gva, access, &piece[n].gpa, fault);
		if (*ret)
			return 0;
		piece[n++].len = part;
		gva += part;
		len -= part;
	}
	return n;
}

/* To or from @data, a page's length at a time. */
static int gva_copy(struct kl_vcpu *vcpu, u64 gva, void *data, unsigned int len,
		    u32 access, bool write, struct kl_exception *fault)
{
	struct piece piece[2];
	int i, n, ret = 0;

	while (len) {
		unsigned int part = min_t(unsigned int, len, PAGE_SIZE);

		n = translate(vcpu, gva, part, access, piece, &ret, fault);
		for (i = 0; i < n && !ret; i++) {
			if (write)
				ret = kl_gpa_write(vcpu->vm, piece[i].gpa, data,
						   piece[i].len);
			else
				ret = kl_gpa_read(vcpu->vm, piece[i].gpa, data,
						  piece[i].len);
			data += piece[i].len;
		}
		if (ret)
			return ret;
		gva += part;
		len -= part;
	}
	return 0;
}

int kl_gva_read(struct kl_vcpu *vcpu, u64 gva, void *data, unsigned int len,
		u32 access, struct kl_exception *fault)
{
	return gva_copy(vcpu, gva, data, len, access, false, fault);
}

int kl_gva_write(struct kl_vcpu *vcpu, u64 gva, const void *data,
		 unsigned int len, u32 access, struct kl_exception *fault)
{
	return gva_copy(vcpu, gva, (void *)data, len, access | KL_ACCESS_WRITE, true, fault);
}

bool kl_load_pdptrs(struct kl_vcpu *vcpu, unsigned long cr3)
{
	u64 pdptrs[4];
	int i;

	/* CR3 names a table of 32 bytes below 4 GiB. */
	if (kl_gpa_read(vcpu->vm, (u32)cr3 & ~31U, pdptrs, sizeof(pdptrs)))
		return false;
	for (i = 0; i < 4; i++)
		if (!kl_pdpte_valid(pdptrs[i], vcpu->cpuid.reserved_gpa))
			return false;
	memcpy(vcpu->pdptrs, pdptrs, sizeof(pdptrs));
	kl_reg_mark_dirty(vcpu, KL_REG_PDPTR);
	return true;
}
