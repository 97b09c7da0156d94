// SPDX-License-Identifier: GPL-2.0
/*
 * What CPUID shows to each vCPU: all that the hypervisor supports, and a
 * topology of one package with one-thread cores whose APIC ids are 0, 1, 2…
 */
#include "cpuid.h"

#define VENDOR_AMD_EBX		0x68747541	/* "Auth" */
#define VENDOR_HYGON_EBX	0x6f677948	/* "Hygo" */

#define F1_ECX_TSC_DEADLINE	BIT(24)
#define F1_ECX_HYPERVISOR	BIT(31)
#define F1_EDX_HTT		BIT(28)
#define F8_1_ECX_CMP_LEGACY	BIT(1)

#define LEVEL_SMT		1U
#define LEVEL_CORE		2U

/* Bits of the APIC id that number @cpus cores. */
static u32 id_bits(unsigned int cpus)
{
	u32 bits = 0;

	while (BIT(bits) < cpus)
		bits++;
	return bits;
}

/**
 * cpuid_find() - look up a leaf
 * @c: table
 * @function: leaf; of one with subleaves, the first in the table
 *
 * Return: the entry, or NULL.
 */
const struct kvm_cpuid_entry2 *cpuid_find(const struct kvm_cpuid2 *c,
					  u32 function)
{
	for (u32 i = 0; i < c->nent; i++)
		if (c->entries[i].function == function)
			return &c->entries[i];
	return NULL;
}

static bool is_amd(const struct kvm_cpuid2 *c)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(c, 0);

	return e && (e->ebx == VENDOR_AMD_EBX || e->ebx == VENDOR_HYGON_EBX);
}

/* Deterministic cache parameters: who shares a cache. Level 3 is the
 * package's, the others are a core's own.
 */
static void set_cache_sharing(struct kvm_cpuid_entry2 *e, unsigned int cpus)
{
	u32 level = e->eax >> 5 & 7;
	u32 sharing = level >= 3 ? BIT(id_bits(cpus)) - 1 : 0;

	e->eax = (e->eax & ~(0xfffU << 14)) | sharing << 14;
}

static void adapt(struct kvm_cpuid_entry2 *e, unsigned int id,
		  unsigned int cpus, bool amd, bool tsc_deadline)
{
	switch (e->function) {
	case 0x1:
		e->ebx = (e->ebx & 0xff00) | id << 24 |
			 BIT(id_bits(cpus)) << 16;
		e->ecx |= F1_ECX_HYPERVISOR;
		if (tsc_deadline)
			e->ecx |= F1_ECX_TSC_DEADLINE;
		e->edx &= ~F1_EDX_HTT;
		if (cpus > 1)
			e->edx |= F1_EDX_HTT;
		break;
	case 0x4:
		/* Bits 31:26: cores in the package; all zero ends the list. */
		if (!(e->eax & 0x1f))
			break;
		set_cache_sharing(e, cpus);
		e->eax &= ~(0x3fU << 26);
		e->eax |= (min_t(u32, BIT(id_bits(cpus)), 64) - 1) << 26;
		break;
	case 0x80000001:
		e->ecx &= ~F8_1_ECX_CMP_LEGACY;
		if (amd && cpus > 1)
			e->ecx |= F8_1_ECX_CMP_LEGACY;
		break;
	case 0x80000008:
		if (amd)
			e->ecx = id_bits(cpus) << 12 | (cpus - 1);
		break;
	case 0x8000001d:
		if (e->eax & 0x1f)
			set_cache_sharing(e, cpus);
		break;
	case 0x8000001e:
		e->eax = id;
		e->ebx = id & 0xff;
		e->ecx = 0;
		break;
	}
}

/* Extended topology enumeration: threads, cores, end. */
static void add_level(struct kvm_cpuid2 *out, u32 index, u32 shift, u32 count,
		      u32 type, u32 id)
{
	out->entries[out->nent++] = (struct kvm_cpuid_entry2){
		.function = 0xb,
		.index = index,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.eax = shift,
		.ebx = count,
		.ecx = type << 8 | index,
		.edx = id,
	};
}

/**
 * cpuid_build() - the table of one vCPU
 * @out: room for CPUID_EXTRA entries more than @supported has
 * @supported: what the hypervisor offers
 * @id: the vCPU's number and APIC id
 * @cpus: how many vCPUs there are
 * @tsc_deadline: the local APIC has this timer mode; the hypervisor says so
 *		  by a capability, not in @supported
 *
 * Return: entries in @out.
 */
unsigned int cpuid_build(struct kvm_cpuid2 *out,
			 const struct kvm_cpuid2 *supported, unsigned int id,
			 unsigned int cpus, bool tsc_deadline)
{
	const struct kvm_cpuid_entry2 *base = cpuid_find(supported, 0);
	bool amd = is_amd(supported);

	out->nent = 0;
	for (u32 i = 0; i < supported->nent; i++) {
		struct kvm_cpuid_entry2 e = supported->entries[i];

		/* The host's topology is not the guest's. */
		if (e.function == 0xb || e.function == 0x1f)
			continue;
		adapt(&e, id, cpus, amd, tsc_deadline);
		out->entries[out->nent++] = e;
	}
	if (base && base->eax >= 0xb) {
		add_level(out, 0, 0, 1, LEVEL_SMT, id);
		add_level(out, 1, id_bits(cpus), cpus, LEVEL_CORE, id);
		add_level(out, 2, 0, 0, 0, id);
	}
	return out->nent;
}
