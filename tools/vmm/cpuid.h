/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_CPUID_H
#define VMM_CPUID_H

#include <linux/kvm.h>

#include "types.h"

/* Entries that cpuid_build() adds to the supported ones. */
#define CPUID_EXTRA	3

unsigned int cpuid_build(struct kvm_cpuid2 *out,
			 const struct kvm_cpuid2 *supported, unsigned int id,
			 unsigned int cpus, bool tsc_deadline);
const struct kvm_cpuid_entry2 *cpuid_find(const struct kvm_cpuid2 *c,
					  u32 function);

#endif /* VMM_CPUID_H */
