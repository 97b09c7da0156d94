// SPDX-License-Identifier: GPL-2.0
/*
 * The CPUID table: topology for both vendors, and nothing else changed.
 */
#include <stdlib.h>
#include <string.h>

#include "../vmm/cpuid.h"
#include "../vmm/types.h"
#include "tap.h"

static struct kvm_cpuid2 *in, *out;

static void add(u32 function, u32 index, u32 a, u32 b, u32 c, u32 d)
{
	in->entries[in->nent++] = (struct kvm_cpuid_entry2){
		.function = function, .index = index,
		.eax = a, .ebx = b, .ecx = c, .edx = d,
	};
}

static const struct kvm_cpuid_entry2 *get(u32 function, u32 index)
{
	for (u32 i = 0; i < out->nent; i++)
		if (out->entries[i].function == function &&
		    out->entries[i].index == index)
			return &out->entries[i];
	return NULL;
}

static void intel(void)
{
	in->nent = 0;
	add(0, 0, 0x16, 0x756e6547, 0x6c65746e, 0x49656e69);
	add(1, 0, 0x50654, 0x07100800, 0x00200000, 0x178bfbff);
	add(4, 0, 0x3c004121, 1, 2, 3);
	add(4, 1, 0x3c004163, 1, 2, 3);
	add(4, 2, 0, 0, 0, 0);
	add(7, 0, 1, 2, 3, 4);
	add(0xb, 0, 1, 2, 0x100, 7);
	add(0xb, 1, 5, 16, 0x201, 7);
	add(0x1f, 0, 1, 2, 0x100, 7);
	add(0x80000001, 0, 0, 0, 0x121, 0);
	add(0x80000008, 0, 0x3028, 0, 0, 0);
}

static void amd(void)
{
	in->nent = 0;
	add(0, 0, 0x10, 0x68747541, 0x444d4163, 0x69746e65);
	add(1, 0, 0x800f12, 0x00000800, 0, 0x078bfbff);
	add(0x80000001, 0, 0, 0, 0x00400003, 0);
	add(0x80000008, 0, 0x3028, 0, 0x7007, 0);
	add(0x8000001d, 0, 0x1fc121, 1, 2, 3);
	add(0x8000001d, 3, 0x1fc163, 1, 2, 3);
	add(0x8000001e, 0, 9, 9, 9, 0);
}

static void test_intel(void)
{
	const struct kvm_cpuid_entry2 *e;

	intel();
	cpuid_build(out, in, 2, 3, true);
	ok(out->nent == in->nent, "three topology entries for three");
	e = get(1, 0);
	ok(e->ebx == 0x02040800, "leaf 1: APIC id and number of ids");
	ok(e->ecx == (0x00200000 | 1U << 31 | 1U << 24),
	   "leaf 1: a hypervisor, and its deadline timer");
	ok(e->edx == 0x178bfbff, "leaf 1: more than one CPU");
	ok(get(4, 0)->eax == (0x121 | 3U << 26),
	   "leaf 4: the first level is a core's own");
	ok(get(4, 1)->eax == (0x163 | 3U << 14 | 3U << 26),
	   "leaf 4: the third is shared");
	ok(get(4, 2)->eax == 0, "leaf 4: the list ends");
	e = get(7, 0);
	ok(e->eax == 1 && e->edx == 4, "leaf 7 is passed on");
	ok(get(0xb, 0)->ebx == 1 && get(0xb, 0)->ecx == 0x100 &&
	   get(0xb, 0)->edx == 2, "leaf 0xb: one thread per core");
	ok(get(0xb, 1)->eax == 2 && get(0xb, 1)->ebx == 3 &&
	   get(0xb, 1)->ecx == 0x201, "leaf 0xb: three cores in two bits");
	ok(get(0xb, 2)->ebx == 0 && get(0xb, 2)->edx == 2 &&
	   get(0xb, 2)->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
	   "leaf 0xb: the list ends");
	ok(!get(0x1f, 0), "leaf 0x1f: the host's is hidden");
	ok(get(0x80000008, 0)->ecx == 0 && get(0x80000001, 0)->ecx == 0x121,
	   "nothing of AMD's");

	cpuid_build(out, in, 0, 1, false);
	e = get(1, 0);
	ok(e->ebx == 0x00010800 && !(e->edx & 1 << 28) &&
	   !(e->ecx & 1 << 24), "one CPU alone");
	ok(get(0xb, 1)->eax == 0 && get(0xb, 1)->ebx == 1,
	   "leaf 0xb: one core");
}

static void test_amd(void)
{
	amd();
	cpuid_build(out, in, 5, 6, false);
	ok(get(0x80000001, 0)->ecx == 0x00400003, "AMD: several cores");
	ok(get(0x80000008, 0)->ecx == (3 << 12 | 5),
	   "AMD: six cores in three bits");
	ok(get(0x8000001d, 0)->eax == 0x121 &&
	   get(0x8000001d, 3)->eax == (0x163 | 7 << 14),
	   "AMD: who shares a cache");
	ok(get(0x8000001e, 0)->eax == 5 && get(0x8000001e, 0)->ebx == 5 &&
	   get(0x8000001e, 0)->ecx == 0, "AMD: extended APIC id, one node");
	cpuid_build(out, in, 0, 1, false);
	ok(get(0x80000001, 0)->ecx == 0x00400001 &&
	   get(0x80000008, 0)->ecx == 0, "AMD: one core alone");

	in->entries[0].eax = 0xa;
	cpuid_build(out, in, 0, 2, false);
	ok(!get(0xb, 0), "no leaf above the highest");
}

int main(void)
{
	size_t size = sizeof(*in) + 64 * sizeof(in->entries[0]);

	in = calloc(1, size);
	out = calloc(1, size);
	if (!in || !out)
		return 1;
	test_intel();
	test_amd();
	return tap_done();
}
