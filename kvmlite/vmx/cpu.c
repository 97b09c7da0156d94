// SPDX-License-Identifier: GPL-2.0
/*
 * Entering and leaving VMX operation on a CPU, and the VMCSs that a CPU holds.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/special_insns.h>

#include "../host.h"
#include "insn.h"
#include "vmx.h"

/* All per CPU and written by that CPU alone, with interrupts off. */
static DEFINE_PER_CPU(struct kl_vmcs *, kl_vmx_region);	/* VMXON's */
static DEFINE_PER_CPU(bool, kl_vmx_on);
static DEFINE_PER_CPU(struct kl_vmcs *, kl_vmx_current);
static DEFINE_PER_CPU(struct list_head, kl_vmx_loaded);

/*
 * Once a CPU has been taken out of VMX operation under a running vCPU's feet
 * every access to its VMCS fails; saying so would only hide the cause.
 */
void kl_vmread_failed(unsigned long field)
{
	WARN_ONCE(raw_cpu_read(kl_vmx_on), "VMREAD of field 0x%lx failed\n", field);
}

void kl_vmwrite_failed(unsigned long field, unsigned long val)
{
	WARN_ONCE(raw_cpu_read(kl_vmx_on),
		  "VMWRITE of 0x%lx to field 0x%lx failed, error %lu\n",
		  val, field, kl_vmread(VM_INSTRUCTION_ERROR));
}

int kl_vmx_alloc_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct page *page = alloc_pages_node(cpu_to_node(cpu),
						     GFP_KERNEL | __GFP_ZERO, 0);
		struct kl_vmcs *region;

		if (!page) {
			kl_vmx_free_regions();
			return -ENOMEM;
		}
		region = page_address(page);
		region->revision = vmx_basic_vmcs_revision_id(kl_vmx_caps.basic);
		per_cpu(kl_vmx_region, cpu) = region;
		INIT_LIST_HEAD(&per_cpu(kl_vmx_loaded, cpu));
	}
	return 0;
}

void kl_vmx_free_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		free_page((unsigned long)per_cpu(kl_vmx_region, cpu));
		per_cpu(kl_vmx_region, cpu) = NULL;
	}
}

int kl_vmx_cpu_enable(void)
{
	int cpu = smp_processor_id();
	u64 ctl;

	if (kl_host_cr4() & X86_CR4_VMXE)
		return -EBUSY;
	/* VMXON with the lock bit or the enable bit clear is #GP (24.7). */
	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &ctl) ||
	    (~ctl & (FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX))) {
		pr_err("CPU %d: VT-x is not enabled in IA32_FEATURE_CONTROL\n", cpu);
		return -EIO;
	}

	kl_host_enable_vmxe();
	if (kl_vmxon(__pa(__this_cpu_read(kl_vmx_region)))) {
		kl_host_disable_vmxe();
		pr_err("CPU %d: VMXON failed\n", cpu);
		return -EIO;
	}
	__this_cpu_write(kl_vmx_current, NULL);
	__this_cpu_write(kl_vmx_on, true);

	/* Translations tagged by whoever was in VMX operation before. */
	kl_invept(VMX_EPT_EXTENT_GLOBAL, 0);
	if (kl_vmx_caps.ept_vpid & VMX_VPID_EXTENT_GLOBAL_CONTEXT_BIT << 32)
		kl_invvpid(VMX_VPID_EXTENT_ALL_CONTEXT, 0);
	return 0;
}

/* On the CPU that has it loaded, interrupts off. */
static void kl_vmx_clear_here(struct kl_vmx *vmx)
{
	if (__this_cpu_read(kl_vmx_current) == vmx->vmcs)
		__this_cpu_write(kl_vmx_current, NULL);
	kl_vmclear(__pa(vmx->vmcs));
	list_del(&vmx->loaded_link);
	vmx->launched = false;
	/* The next CPU to load it sees all of the above once it sees -1. */
	smp_store_release(&vmx->vmcs_cpu, -1);
}

void kl_vmx_cpu_disable(void)
{
	struct list_head *loaded = this_cpu_ptr(&kl_vmx_loaded);
	struct kl_vmx *vmx, *next;

	list_for_each_entry_safe(vmx, next, loaded, loaded_link)
		kl_vmx_clear_here(vmx);
	__this_cpu_write(kl_vmx_on, false);
	kl_vmxoff();
	kl_host_disable_vmxe();
}

/*
 * May interrupt anything, kl_vmx_load_vmcs() too: the list is only ever walked
 * forward here, and list_add() and list_del() keep that direction whole.
 */
void kl_vmx_cpu_emergency(void)
{
	struct kl_vmx *vmx;

	if (!(__read_cr4() & X86_CR4_VMXE))
		return;
	/* A crash kernel reads this memory: no VMCS may be written back later. */
	list_for_each_entry(vmx, this_cpu_ptr(&kl_vmx_loaded), loaded_link)
		kl_vmclear(__pa(vmx->vmcs));
	__this_cpu_write(kl_vmx_on, false);
	kl_vmxoff();
	kl_host_emergency_vmxe();
}

static void kl_vmx_clear_ipi(void *data)
{
	struct kl_vmx *vmx = data;

	/* The CPU may have been disabled and have cleared it meanwhile. */
	if (vmx->vmcs_cpu == smp_processor_id())
		kl_vmx_clear_here(vmx);
}

void kl_vmx_unload_vmcs(struct kl_vmx *vmx)
{
	int cpu = READ_ONCE(vmx->vmcs_cpu);

	/* Fails for a CPU that is offline: going there, it cleared its list. */
	if (cpu >= 0)
		smp_call_function_single(cpu, kl_vmx_clear_ipi, vmx, 1);
}

static noinline void kl_vmx_bring_vmcs(struct kl_vmx *vmx, int cpu)
{
	unsigned long flags;

	kl_vmx_unload_vmcs(vmx);
	local_irq_save(flags);
	vmx->vmcs_cpu = cpu;
	list_add(&vmx->loaded_link, this_cpu_ptr(&kl_vmx_loaded));
	/* The first VMCLEAR puts a new region into a defined state. */
	kl_vmclear(__pa(vmx->vmcs));
	local_irq_restore(flags);
}

bool kl_vmx_load_vmcs(struct kl_vmx *vmx, int cpu)
{
	/* Pairs with the release in kl_vmx_clear_here(). */
	bool moved = smp_load_acquire(&vmx->vmcs_cpu) != cpu;

	if (likely(!moved && __this_cpu_read(kl_vmx_current) == vmx->vmcs))
		return false;
	if (moved)
		kl_vmx_bring_vmcs(vmx, cpu);
	if (kl_vmptrld(__pa(vmx->vmcs)))
		WARN_ONCE(raw_cpu_read(kl_vmx_on), "VMPTRLD failed\n");
	__this_cpu_write(kl_vmx_current, vmx->vmcs);
	return moved;
}

/*
 * All translations that a guest uses under EPT are tagged with the EPT root, so
 * INVEPT alone would always do; INVVPID spares the other vCPUs' (29.4.3).
 */
void kl_vmx_flush(struct kl_vmx *vmx)
{
	if ((vmx->tlb_flush & KL_VMX_FLUSH_EPT) || !kl_vmx_caps.has_invvpid)
		kl_invept(VMX_EPT_EXTENT_CONTEXT, vmx->eptp);
	else
		kl_invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, vmx->vpid);
	vmx->tlb_flush = 0;
}
