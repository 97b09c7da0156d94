// SPDX-License-Identifier: GPL-2.0
/* Taking a CPU for SVM and giving it back (APM 15.4, 15.30.4, 15.31). */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "../vendor.h"
#include "svm.h"

DEFINE_PER_CPU(struct kl_svm_cpu, kl_svm_cpu);

void kl_svm_free_cpus(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct kl_svm_cpu *c = per_cpu_ptr(&kl_svm_cpu, cpu);

		if (c->state_area)
			__free_page(c->state_area);
		if (c->host_area)
			__free_page(c->host_area);
		c->state_area = NULL;
		c->host_area = NULL;
	}
}

int kl_svm_init_cpus(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct kl_svm_cpu *c = per_cpu_ptr(&kl_svm_cpu, cpu);
		int node = cpu_to_node(cpu);

		c->host_area = alloc_pages_node(node, GFP_KERNEL | __GFP_ZERO, 0);
		c->state_area = alloc_pages_node(node, GFP_KERNEL | __GFP_ZERO, 0);
		if (!c->host_area || !c->state_area) {
			kl_svm_free_cpus();
			return -ENOMEM;
		}
		c->host_pa = page_to_phys(c->host_area);
		c->max_asid = kl_svm_caps.nr_asids - 1;
	}
	return 0;
}

/* Interrupts off. The boot CPU's capabilities are taken to be everybody's. */
int kl_svm_cpu_enable(void)
{
	struct kl_svm_cpu *c = this_cpu_ptr(&kl_svm_cpu);
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return -EBUSY;
	if (wrmsrl_safe(MSR_EFER, efer | EFER_SVME))
		return -EIO;
	wrmsrl(MSR_VM_HSAVE_PA, page_to_phys(c->state_area));

	/* Nothing is known of what the TLB holds: begin by flushing it all. */
	c->asid_gen++;
	c->next_asid = c->max_asid + 1;

	if (kl_svm_caps.tsc_ratio) {
		wrmsrl(MSR_AMD64_TSC_RATIO, SVM_TSC_RATIO_DEFAULT);
		c->tsc_ratio = SVM_TSC_RATIO_DEFAULT;
	}
	return 0;
}

void kl_svm_cpu_disable(void)
{
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (!(efer & EFER_SVME))
		return;
	if (kl_svm_caps.tsc_ratio)
		wrmsrl(MSR_AMD64_TSC_RATIO, SVM_TSC_RATIO_DEFAULT);
	wrmsrl(MSR_VM_HSAVE_PA, 0);
	wrmsrl(MSR_EFER, efer & ~EFER_SVME);
}

/*
 * The machine is going down, possibly by an NMI that found this CPU anywhere.
 * With GIF clear the INIT that restarts it would stay pending for ever.
 */
void kl_svm_cpu_emergency(void)
{
	u64 efer;

	if (rdmsrl_safe(MSR_EFER, &efer) || !(efer & EFER_SVME))
		return;
	asm volatile("1: stgi\n2:\n" _ASM_EXTABLE(1b, 2b) : : : "memory");
	wrmsrl_safe(MSR_EFER, efer & ~EFER_SVME);
}
