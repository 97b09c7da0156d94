// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to local APICs: from other local APICs, the IOAPIC, MSIs.
 *
 * Context: any, also a hard interrupt. Nothing is locked: a LAPIC lives as
 * long as the VM's last reference, its mode and destination registers are read
 * once each, IRR and TMR are set with atomic operations.
 */

#include <linux/kvm_para.h>
#include <linux/xarray.h>
#include <asm/apicdef.h>

#include "chip.h"

/*
 * The bit first, then the request, then the kick: a vCPU that misses the kick
 * has yet to look at its requests.
 */
static int lapic_accept_fixed(struct kl_lapic *apic,
			      const struct kl_apic_msg *msg)
{
	struct kl_lapic_regs *r = &apic->r;

	if ((msg->level && !msg->assert) || !kl_lapic_sw_enabled(apic))
		return 0;
	if (msg->vector < 16) {
		kl_lapic_error(apic, KL_ESR_RECV_VECTOR);
		return 0;
	}
	if (test_bit(msg->vector, r->tmr) != msg->level)
		assign_bit(msg->vector, r->tmr, msg->level);
	/* Who set it before us has woken the vCPU, or is about to. */
	if (test_and_set_bit(msg->vector, r->irr))
		return 1;
	kl_request(apic->vcpu, KL_REQ_EVENT);
	kl_vcpu_kick(apic->vcpu);
	return 1;
}

/**
 * kl_lapic_accept - a message has reached a local APIC
 * @apic: the APIC
 * @msg: the message; destination and shorthand no longer matter
 *
 * Return: 1 if it was taken, 0 if it was dropped.
 */
static int kl_lapic_accept(struct kl_lapic *apic, const struct kl_apic_msg *msg)
{
	struct kl_vcpu *vcpu = apic->vcpu;

	switch (msg->mode) {
	case KL_DM_FIXED:
	case KL_DM_LOWEST:
		return lapic_accept_fixed(apic, msg);
	case KL_DM_NMI:
		kl_inject_nmi(vcpu);
		kl_vcpu_kick(vcpu);
		return 1;
	case KL_DM_INIT:
		/* INIT level de-assert reaches the arbitration ids only. */
		if (msg->level && !msg->assert)
			return 0;
		/* A SIPI before this INIT is for a CPU that no longer waits. */
		WRITE_ONCE(apic->events, BIT(KL_APIC_INIT));
		break;
	case KL_DM_STARTUP:
		WRITE_ONCE(apic->sipi_vector, msg->vector);
		/* Pairs with the barrier in kl_lapic_process_init_sipi(). */
		smp_wmb();
		set_bit(KL_APIC_SIPI, &apic->events);
		break;
	default:
		/* No SMM; ExtINT comes by kl_lapic_accepts_pic(). */
		return 0;
	}
	kl_request(vcpu, KL_REQ_EVENT);
	kl_vcpu_kick(vcpu);
	return 1;
}

static bool lapic_is_dest(struct kl_lapic *apic, struct kl_lapic *src,
			  const struct kl_apic_msg *msg)
{
	struct kl_vm *vm = apic->vcpu->vm;
	bool x2apic = READ_ONCE(apic->mode) == KL_LAPIC_X2APIC;
	u32 dest = msg->dest;

	switch (msg->shorthand) {
	case 1:
		return apic == src;
	case 2:
		return true;
	case 3:
		return apic != src;
	}
	/*
	 * IOAPIC and MSI have 8 bits of destination: without the capability
	 * that gives them more, theirs is the broadcast of either mode.
	 */
	if (!src && x2apic && dest == 0xff && !vm->x2apic_no_broadcast_quirk)
		dest = ~0u;
	return kl_lapic_match(&apic->r, x2apic, apic->vcpu->id, dest,
			      msg->logical);
}

/* The one vCPU that a physical destination can mean, if that is certain. */
static struct kl_vcpu *lapic_sole_dest(struct kl_vm *vm,
				       const struct kl_apic_msg *msg)
{
	if (msg->shorthand || msg->logical || msg->dest >= 0xff ||
	    READ_ONCE(vm->irqchip->odd_ids))
		return NULL;
	return kl_vcpu_by_id(vm, msg->dest);
}

/*
 * Of all that are meant, the one that the vector's number picks: spreads the
 * vectors evenly and needs no state.
 */
static int apic_send_lowest(struct kl_vm *vm, struct kl_lapic *src,
			    const struct kl_apic_msg *msg)
{
	unsigned int count = 0, pick;
	struct kl_vcpu *vcpu;
	unsigned long i;

	kl_for_each_vcpu(i, vcpu, vm)
		if (vcpu->apic && kl_lapic_sw_enabled(vcpu->apic) &&
		    lapic_is_dest(vcpu->apic, src, msg))
			count++;
	if (!count)
		return -1;
	pick = msg->vector % count;
	kl_for_each_vcpu(i, vcpu, vm) {
		if (!vcpu->apic || !kl_lapic_sw_enabled(vcpu->apic) ||
		    !lapic_is_dest(vcpu->apic, src, msg))
			continue;
		if (!pick--)
			return kl_lapic_accept(vcpu->apic, msg);
	}
	/* The set shrank meanwhile: as if it had before we looked. */
	return 0;
}

int kl_apic_send(struct kl_vm *vm, struct kl_lapic *src,
		 const struct kl_apic_msg *msg)
{
	struct kl_vcpu *vcpu;
	unsigned long i;
	int ret = -1;

	if (msg->shorthand == 1)
		return src ? kl_lapic_accept(src, msg) : -1;

	vcpu = lapic_sole_dest(vm, msg);
	if (vcpu && vcpu->apic) {
		if (!kl_lapic_hw_enabled(vcpu->apic) ||
		    !lapic_is_dest(vcpu->apic, src, msg))
			return -1;
		return kl_lapic_accept(vcpu->apic, msg);
	}

	if (msg->mode == KL_DM_LOWEST || msg->lowest) {
		/* A physical broadcast has no lowest: all get it. */
		if (msg->logical || msg->dest != 0xff)
			return apic_send_lowest(vm, src, msg);
	}

	kl_for_each_vcpu(i, vcpu, vm) {
		if (!vcpu->apic || !kl_lapic_hw_enabled(vcpu->apic) ||
		    !lapic_is_dest(vcpu->apic, src, msg))
			continue;
		if (ret < 0)
			ret = 0;
		ret += kl_lapic_accept(vcpu->apic, msg);
	}
	return ret;
}

/**
 * kl_lapic_local - an event of the APIC's own: timer, error, LINT
 * @apic: the APIC
 * @lvt: which
 */
void kl_lapic_local(struct kl_lapic *apic, enum kl_lvt lvt)
{
	u32 entry = READ_ONCE(apic->r.lvt[lvt]);
	struct kl_apic_msg msg = {
		.vector = entry,
		.mode = entry >> 8 & 7,
		.level = entry & KL_LVT_LEVEL,
		.assert = true,
	};

	/* These entries have neither field: the bits are reserved. */
	if (lvt == KL_LVT_TIMER || lvt == KL_LVT_ERROR) {
		msg.mode = KL_DM_FIXED;
		msg.level = false;
	}
	if (!kl_lapic_hw_enabled(apic) || (entry & KL_LVT_MASKED))
		return;
	kl_lapic_accept(apic, &msg);
}

/**
 * kl_lapic_error - note an error for the guest to read, and interrupt it
 * @apic: the APIC
 * @bit: KL_ESR_*
 *
 * The interrupt comes with the first error since the guest last armed the
 * register; an error vector that is itself illegal therefore recurs once.
 */
void kl_lapic_error(struct kl_lapic *apic, u32 bit)
{
	unsigned int nr = __ffs(bit);

	if (!test_and_set_bit(nr, &apic->r.esr_new))
		kl_lapic_local(apic, KL_LVT_ERROR);
}

/**
 * kl_msi_send - a message-signalled interrupt
 * @vm: the VM
 * @address_lo: SDM vol. 3, "Message Address Register Format"
 * @address_hi: bits 31:8 of the destination where user space asked for
 *	32-bit ids (KVM_CAP_X2APIC_API)
 * @data: "Message Data Register Format"
 */
int kl_msi_send(struct kl_vm *vm, u32 address_lo, u32 address_hi, u32 data)
{
	struct kl_apic_msg msg = {
		.dest = address_lo >> 12 & 0xff,
		.logical = address_lo & BIT(2),
		.lowest = address_lo & BIT(3),
		.vector = data,
		.mode = data >> 8 & 7,
		.level = data & BIT(15),
		.assert = true,
	};

	if (vm->x2apic_32bit)
		msg.dest |= address_hi & 0xffffff00;
	return kl_apic_send(vm, NULL, &msg);
}

/**
 * kl_lapic_send_ipis - KVM_HC_SEND_IPI: one message to many CPUs
 * @vm: the VM
 * @arg: two words with a bit for each CPU, the id of bit 0, and the message as
 *	in the interrupt command register
 * @wide: the words have 64 bits
 *
 * Return: how many CPUs took it, or a negative KVM_E*.
 */
long kl_lapic_send_ipis(struct kl_vm *vm, const unsigned long arg[4], bool wide)
{
	unsigned int bits = wide ? 64 : 32, word, bit;
	u32 icr = arg[3], first = arg[2];
	struct kl_apic_msg msg = {
		.vector = icr,
		.mode = icr >> 8 & 7,
		.level = icr & APIC_INT_LEVELTRIG,
		.assert = icr & APIC_INT_ASSERT,
	};
	struct kl_vcpu *vcpu;
	unsigned long map;
	long count = 0;

	if ((icr & (APIC_DEST_LOGICAL | GENMASK(19, 18))) ||
	    first >= KL_MAX_VCPU_ID)
		return -KVM_EINVAL;
	for (word = 0; word < 2; word++) {
		map = arg[word];
		for_each_set_bit(bit, &map, bits) {
			vcpu = kl_vcpu_by_id(vm, first + word * bits + bit);
			if (vcpu && vcpu->apic && kl_lapic_hw_enabled(vcpu->apic))
				count += kl_lapic_accept(vcpu->apic, &msg);
		}
	}
	return count;
}
