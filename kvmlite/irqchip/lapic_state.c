// SPDX-License-Identifier: GPL-2.0
/*
 * Local APIC: its life, reset, the APIC base register, INIT and SIPI, and what
 * user space saves and restores.
 *
 * A LAPIC is created and freed with its vCPU. Freeing stops the timer; by then
 * the VM has no reference left and nobody sends messages.
 */

#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>
#include <asm/mce.h>
#include <asm/msr-index.h>

#include "../regs.h"
#include "chip.h"

/* Integrated APIC; the number of the last LVT entry goes above it. */
#define LAPIC_VERSION		0x14

static enum kl_lapic_mode lapic_mode_of(u64 base)
{
	if (!(base & MSR_IA32_APICBASE_ENABLE))
		return KL_LAPIC_DISABLED;
	return base & X2APIC_ENABLE ? KL_LAPIC_X2APIC : KL_LAPIC_XAPIC;
}

static void kl_lapic_set_version(struct kl_lapic *apic)
{
	struct kl_vcpu *vcpu = apic->vcpu;
	u32 version;

	apic->nr_lvt = KL_LVT_CMCI;
	if (vcpu->mcg_cap & MCG_CMCI_P)
		apic->nr_lvt++;
	version = LAPIC_VERSION | (apic->nr_lvt - 1) << 16;
	/* Our IOAPIC has no EOI register to go with a suppressed broadcast. */
	if (vcpu->vm->irqchip_mode == KL_IRQCHIP_SPLIT &&
	    kl_guest_has(vcpu, X86_FEATURE_X2APIC))
		version |= APIC_LVR_DIRECTED_EOI;
	apic->r.version = version;
}

void kl_lapic_check_watchdog(struct kl_lapic *apic)
{
	u32 lint0 = apic->r.lvt[KL_LVT_LINT0];
	bool nmi = !(lint0 & KL_LVT_MASKED) && (lint0 >> 8 & 7) == KL_DM_NMI;

	if (nmi == apic->nmi_watchdog)
		return;
	apic->nmi_watchdog = nmi;
	if (nmi)
		atomic_inc(&apic->vcpu->vm->irqchip->nmi_watchdogs);
	else
		atomic_dec(&apic->vcpu->vm->irqchip->nmi_watchdogs);
}

/* The mode has changed: ids are what the new one makes of them. */
static void lapic_set_mode(struct kl_lapic *apic, enum kl_lapic_mode mode)
{
	u32 id = apic->vcpu->id;

	if (mode == KL_LAPIC_X2APIC) {
		WRITE_ONCE(apic->r.id, id);
		WRITE_ONCE(apic->r.ldr, kl_x2apic_ldr(id));
	} else if (mode == KL_LAPIC_XAPIC) {
		WRITE_ONCE(apic->r.id, id & 0xff);
	}
	WRITE_ONCE(apic->mode, mode);
	kl_request(apic->vcpu, KL_REQ_EVENT);
}

static void lapic_set_base(struct kl_vcpu *vcpu, u64 base)
{
	struct kl_lapic *apic = vcpu->apic;
	enum kl_lapic_mode mode = lapic_mode_of(base);

	vcpu->apic_base = base;
	if (apic && mode != apic->mode)
		lapic_set_mode(apic, mode);
}

/**
 * kl_lapic_set_base - write IA32_APIC_BASE
 * @vcpu: the vCPU
 * @base: the value
 * @host_initiated: by user space, which may go straight to any valid state
 *
 * SDM vol. 3, "x2APIC State Transitions". Return: 0, or 1 for #GP.
 */
int kl_lapic_set_base(struct kl_vcpu *vcpu, u64 base, bool host_initiated)
{
	enum kl_lapic_mode old = lapic_mode_of(vcpu->apic_base);
	enum kl_lapic_mode new = lapic_mode_of(base);
	u64 reserved = vcpu->cpuid.reserved_gpa | 0x2ff;

	if (!kl_guest_has(vcpu, X86_FEATURE_X2APIC))
		reserved |= X2APIC_ENABLE;
	if (base & reserved)
		return 1;
	/* x2APIC without the global enable. */
	if (new == KL_LAPIC_DISABLED && (base & X2APIC_ENABLE))
		return 1;
	if (!host_initiated) {
		if (old == KL_LAPIC_X2APIC && new == KL_LAPIC_XAPIC)
			return 1;
		if (old == KL_LAPIC_DISABLED && new == KL_LAPIC_X2APIC)
			return 1;
	}
	lapic_set_base(vcpu, base);
	return 0;
}

/**
 * kl_lapic_reset - power-up or INIT
 * @vcpu: the vCPU; it may have no LAPIC in the kernel
 * @init_event: INIT, which leaves the base and the id alone
 */
void kl_lapic_reset(struct kl_vcpu *vcpu, bool init_event)
{
	struct kl_lapic *apic = vcpu->apic;
	bool bsp = vcpu->id == vcpu->vm->bsp_id;
	struct kl_lapic_regs *r;
	unsigned int i;

	if (!init_event)
		lapic_set_base(vcpu, APIC_DEFAULT_PHYS_BASE |
			       MSR_IA32_APICBASE_ENABLE |
			       (bsp ? MSR_IA32_APICBASE_BSP : 0));
	if (!apic)
		return;

	kl_lapic_timer_stop(apic);
	r = &apic->r;
	if (!init_event && apic->mode == KL_LAPIC_XAPIC)
		WRITE_ONCE(r->id, vcpu->id & 0xff);
	kl_lapic_set_version(apic);
	for (i = 0; i < KL_NR_LVT; i++)
		WRITE_ONCE(r->lvt[i], KL_LVT_MASKED);
	/* Firmware that knows nothing of LAPICs still gets its interrupts. */
	if (bsp && !(vcpu->vm->disabled_quirks & KVM_X86_QUIRK_LINT0_REENABLED))
		WRITE_ONCE(r->lvt[KL_LVT_LINT0], KL_DM_EXTINT << 8);
	kl_lapic_check_watchdog(apic);

	WRITE_ONCE(r->svr, 0xff);
	WRITE_ONCE(r->dfr, ~0u);
	if (apic->mode != KL_LAPIC_X2APIC)
		WRITE_ONCE(r->ldr, 0);
	r->tpr = 0;
	r->esr = 0;
	r->esr_new = 0;
	r->icr = 0;
	r->icr2 = 0;
	r->tdcr = 0;
	r->tmict = 0;
	memset(r->irr, 0, sizeof(r->irr));
	memset(r->isr, 0, sizeof(r->isr));
	memset(r->tmr, 0, sizeof(r->tmr));
}

/**
 * kl_lapic_create - give a new vCPU its LAPIC, if the VM's are in the kernel
 * @vcpu: the vCPU, not yet visible to others; vm->lock held
 */
int kl_lapic_create(struct kl_vcpu *vcpu)
{
	struct kl_lapic *apic;

	lockdep_assert_held(&vcpu->vm->lock);
	if (!kl_irqchip_in_kernel(vcpu->vm))
		return 0;
	apic = kzalloc(sizeof(*apic), GFP_KERNEL_ACCOUNT);
	if (!apic)
		return -ENOMEM;
	apic->vcpu = vcpu;
	kl_lapic_timer_init(apic);
	vcpu->apic = apic;
	return 0;
}

void kl_lapic_free(struct kl_vcpu *vcpu)
{
	if (!vcpu->apic)
		return;
	hrtimer_cancel(&vcpu->apic->timer);
	kfree(vcpu->apic);
	vcpu->apic = NULL;
}

void kl_lapic_cpuid_changed(struct kl_vcpu *vcpu)
{
	if (vcpu->apic)
		kl_lapic_set_version(vcpu->apic);
}

/*
 * INIT and SIPI (SDM vol. 3, "Multiple-Processor Initialization").
 */

bool kl_lapic_has_init_sipi(struct kl_vcpu *vcpu)
{
	return vcpu->apic && READ_ONCE(vcpu->apic->events);
}

static void lapic_startup(struct kl_vcpu *vcpu, u8 vector)
{
	struct kvm_segment cs;

	kl_ops->get_segment(vcpu, KL_SEG_CS, &cs);
	cs.selector = vector << 8;
	cs.base = vector << 12;
	kl_ops->set_segment(vcpu, KL_SEG_CS, &cs);
	kl_rip_write(vcpu, 0);
}

int kl_lapic_process_init_sipi(struct kl_vcpu *vcpu)
{
	struct kl_lapic *apic = vcpu->apic;

	if (test_and_clear_bit(KL_APIC_INIT, &apic->events)) {
		kl_vcpu_reset(vcpu, true);
		vcpu->mp_state = vcpu->id == vcpu->vm->bsp_id ?
				 KVM_MP_STATE_RUNNABLE :
				 KVM_MP_STATE_INIT_RECEIVED;
	}
	/* A SIPI to a CPU that does not wait for one is lost. */
	if (test_and_clear_bit(KL_APIC_SIPI, &apic->events) &&
	    vcpu->mp_state == KVM_MP_STATE_INIT_RECEIVED) {
		/* Pairs with the barrier in kl_lapic_accept(). */
		smp_rmb();
		lapic_startup(vcpu, READ_ONCE(apic->sipi_vector));
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	}
	return 0;
}

void kl_lapic_set_sipi_vector(struct kl_vcpu *vcpu, u8 vector)
{
	if (vcpu->apic)
		WRITE_ONCE(vcpu->apic->sipi_vector, vector);
}

void kl_lapic_latch_sipi(struct kl_vcpu *vcpu)
{
	set_bit(KL_APIC_SIPI, &vcpu->apic->events);
	kl_request(vcpu, KL_REQ_EVENT);
}

/*
 * User space's view.
 */

static long lapic_get_state(struct kl_lapic *apic, void __user *argp)
{
	struct kvm_lapic_state *page;
	u32 id = apic->r.id;
	long ret = 0;

	page = kmalloc(sizeof(*page), GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	if (apic->mode != KL_LAPIC_X2APIC || !apic->vcpu->vm->x2apic_32bit)
		id <<= 24;
	kl_lapic_regs_to_page(&apic->r, id, kl_lapic_timer_count(apic), page);
	if (copy_to_user(argp, page, sizeof(*page)))
		ret = -EFAULT;
	kfree(page);
	return ret;
}

static long lapic_set_page(struct kl_lapic *apic,
			   const struct kvm_lapic_state *page)
{
	struct kl_vcpu *vcpu = apic->vcpu;
	u32 id = kl_lapic_page_read(page, APIC_ID);
	struct kl_lapic_regs *r = &apic->r;

	if (apic->mode == KL_LAPIC_X2APIC) {
		/* The id is not the guest's to change, nor user space's. */
		if (vcpu->vm->x2apic_32bit && id != vcpu->id)
			return -EINVAL;
	} else {
		WRITE_ONCE(r->id, id >> 24);
		WRITE_ONCE(r->ldr, kl_lapic_page_read(page, APIC_LDR) &
				   APIC_LDR_MASK);
		if (r->id != (vcpu->id & 0xff))
			WRITE_ONCE(vcpu->vm->irqchip->odd_ids, true);
	}
	kl_lapic_timer_stop(apic);
	kl_lapic_regs_from_page(r, page);
	kl_lapic_check_watchdog(apic);
	kl_lapic_timer_restore(apic, kl_lapic_page_read(page, APIC_TMCCT));
	kl_request(vcpu, KL_REQ_EVENT);
	return 0;
}

static long lapic_set_state(struct kl_lapic *apic, void __user *argp)
{
	struct kvm_lapic_state *page;
	long ret;

	page = memdup_user(argp, sizeof(*page));
	if (IS_ERR(page))
		return PTR_ERR(page);
	ret = lapic_set_page(apic, page);
	kfree(page);
	return ret;
}

/*
 * Accepted for the sake of user space that cannot do without; the page would
 * only save exits to guests that do not know CR8.
 */
static long lapic_set_vapic(struct kl_lapic *apic, void __user *argp)
{
	struct kl_vm *vm = apic->vcpu->vm;
	struct kvm_vapic_addr va;

	if (copy_from_user(&va, argp, sizeof(va)))
		return -EFAULT;
	if (va.vapic_addr && !kl_gpa_has_slot(vm, va.vapic_addr))
		return -EINVAL;
	apic->vapic_addr = va.vapic_addr;
	return 0;
}

static long lapic_set_tpr_reporting(struct kl_lapic *apic, void __user *argp)
{
	struct kvm_tpr_access_ctl tac;

	if (copy_from_user(&tac, argp, sizeof(tac)))
		return -EFAULT;
	if (tac.flags)
		return -EINVAL;
	apic->tpr_reporting = tac.enabled;
	return copy_to_user(argp, &tac, sizeof(tac)) ? -EFAULT : 0;
}

long kl_irqchip_vcpu_ioctl(struct kl_vcpu *vcpu, unsigned int ioctl,
			   void __user *argp)
{
	switch (ioctl) {
	case KVM_GET_LAPIC:
	case KVM_SET_LAPIC:
	case KVM_SET_VAPIC_ADDR:
	case KVM_TPR_ACCESS_REPORTING:
		break;
	default:
		return -ENOIOCTLCMD;
	}
	if (!vcpu->apic)
		return -EINVAL;
	switch (ioctl) {
	case KVM_GET_LAPIC:
		return lapic_get_state(vcpu->apic, argp);
	case KVM_SET_LAPIC:
		return lapic_set_state(vcpu->apic, argp);
	case KVM_SET_VAPIC_ADDR:
		return lapic_set_vapic(vcpu->apic, argp);
	default:
		return lapic_set_tpr_reporting(vcpu->apic, argp);
	}
}
