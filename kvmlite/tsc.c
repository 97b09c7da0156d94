// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's time-stamp counter: the host's, times a ratio where the CPU can
 * scale, plus an offset.
 */

#include <linux/kvm.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/time.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "irqchip/irqchip.h"
#include "regs.h"
#include "tsc.h"
#include "vendor.h"
#include "vm.h"

/* A frequency this close to the host's needs no scaling (KVM's default). */
#define KL_TSC_TOLERANCE_PPM	250
/*
 * vCPUs whose TSCs are written within this time of one another are meant to
 * agree.
 */
#define KL_TSC_SYNC_NS		NSEC_PER_SEC

u32 kl_tsc_host_khz(void)
{
	return tsc_khz;
}

static u64 kl_tsc_scale(struct kl_vcpu *vcpu, u64 tsc)
{
	if (!vcpu->tsc_ratio)
		return tsc;
	return mul_u64_u64_shr(tsc, vcpu->tsc_ratio,
			       kl_ops->tsc_scaling_frac_bits);
}

u64 kl_guest_tsc(struct kl_vcpu *vcpu, u64 host_tsc)
{
	return kl_tsc_scale(vcpu, host_tsc) + vcpu->tsc_offset;
}

static void kl_tsc_write_offset(struct kl_vcpu *vcpu, u64 offset)
{
	vcpu->tsc_offset = offset;
	kl_ops->write_tsc_offset(vcpu, offset);
	if (vcpu->apic)
		kl_lapic_tsc_changed(vcpu);
	kl_request(vcpu, KL_REQ_CLOCK);
}

/* Where the CPUs' TSCs do not agree, moving must not make time run backwards. */
void kl_tsc_moved(struct kl_vcpu *vcpu)
{
	u64 now, guest;

	now = rdtsc();
	guest = kl_guest_tsc(vcpu, now);
	if (guest < vcpu->last_guest_tsc) {
		vcpu->tsc_offset += vcpu->last_guest_tsc - guest;
		kl_ops->write_tsc_offset(vcpu, vcpu->tsc_offset);
		kl_request(vcpu, KL_REQ_CLOCK);
	}
}

void kl_tsc_note(struct kl_vcpu *vcpu)
{
	vcpu->last_guest_tsc = kl_guest_tsc(vcpu, rdtsc());
}

static int kl_tsc_set_khz(struct kl_vcpu *vcpu, u32 khz)
{
	u32 host = kl_tsc_host_khz();
	u64 diff = khz > host ? khz - host : host - khz, ratio;

	if (!khz)
		return -EINVAL;
	if (diff * 1000000 <= (u64)host * KL_TSC_TOLERANCE_PPM) {
		ratio = 0;
	} else {
		if (!kl_ops->tsc_scaling_frac_bits)
			return -EINVAL;
		ratio = mul_u64_u32_div(1ULL << kl_ops->tsc_scaling_frac_bits,
					khz, host);
		if (!ratio || ratio >= kl_ops->max_tsc_ratio)
			return -EINVAL;
	}
	vcpu->tsc_khz = khz;
	vcpu->tsc_ratio = ratio;
	kl_ops->write_tsc_ratio(vcpu, ratio);
	if (vcpu->apic)
		kl_lapic_tsc_changed(vcpu);
	kl_request(vcpu, KL_REQ_CLOCK);
	return 0;
}

/*
 * Does @data come from @now, a second more or less, with the TSC that was written
 * last? After a month nobody asks any more: ticks since then must fit 64 bits (the
 * division traps if they do not), at whatever frequency user space has set.
 */
static bool kl_tsc_continues(const struct kl_vm *vm, u64 data, u64 now)
{
	u64 elapsed = now - vm->tsc_last_ns, expect, diff;

	if (elapsed > 30ULL * 24 * 3600 * NSEC_PER_SEC)
		return false;
	expect = vm->tsc_last_value +
		 mul_u64_u32_div(elapsed, vm->tsc_last_khz, USEC_PER_SEC);
	diff = data > expect ? data - expect : expect - data;
	return diff < (u64)vm->tsc_last_khz * 1000;
}

/*
 * User space writes the TSC of each vCPU in turn when it makes or restores a
 * machine. Values that fit the time that has passed since the last one mean
 * "the same as that one", and get the same offset.
 */
static void kl_tsc_host_write(struct kl_vcpu *vcpu, u64 data)
{
	struct kl_vm *vm = vcpu->vm;
	u64 offset = data - kl_tsc_scale(vcpu, rdtsc()), now;

	spin_lock(&vm->tsc_lock);
	/* Not before: else the last one may have been after this. */
	now = ktime_get_boottime_ns();
	if (vm->tsc_last_khz == vcpu->tsc_khz && vm->tsc_last_ns &&
	    (!data || kl_tsc_continues(vm, data, now)))
		offset = vm->tsc_last_offset;
	if (offset != vm->tsc_last_offset || !vm->tsc_last_ns) {
		vm->tsc_last_offset = offset;
		vm->tsc_last_value = data;
		vm->tsc_last_ns = now;
		vm->tsc_last_khz = vcpu->tsc_khz;
	}
	spin_unlock(&vm->tsc_lock);
	kl_tsc_write_offset(vcpu, offset);
}

/* The offset itself, by a VMM that knows the host's TSC here and there. */
static void kl_tsc_host_write_offset(struct kl_vcpu *vcpu, u64 offset)
{
	struct kl_vm *vm = vcpu->vm;

	spin_lock(&vm->tsc_lock);
	vm->tsc_last_offset = offset;
	vm->tsc_last_value = kl_tsc_scale(vcpu, rdtsc()) + offset;
	vm->tsc_last_ns = ktime_get_boottime_ns();
	vm->tsc_last_khz = vcpu->tsc_khz;
	spin_unlock(&vm->tsc_lock);
	kl_tsc_write_offset(vcpu, offset);
}

long kl_tsc_device_attr(struct kl_vcpu *vcpu, unsigned int ioctl,
			void __user *argp)
{
	u64 __user *user;
	u64 offset;
	struct kvm_device_attr attr;

	if (copy_from_user(&attr, argp, sizeof(attr)))
		return -EFAULT;
	if (attr.group != KVM_VCPU_TSC_CTRL || attr.attr != KVM_VCPU_TSC_OFFSET)
		return -ENXIO;
	user = u64_to_user_ptr(attr.addr);
	switch (ioctl) {
	case KVM_HAS_DEVICE_ATTR:
		return 0;
	case KVM_GET_DEVICE_ATTR:
		return put_user(vcpu->tsc_offset, user);
	default:
		if (get_user(offset, user))
			return -EFAULT;
		kl_tsc_host_write_offset(vcpu, offset);
		return 0;
	}
}

int kl_tsc_msr_set(struct kl_vcpu *vcpu, const struct kl_msr *msr)
{
	s64 delta;

	if (msr->index == MSR_IA32_TSC) {
		if (msr->host_initiated) {
			kl_tsc_host_write(vcpu, msr->data);
			return 0;
		}
		/* SDM vol. 3, 18.17.3: writing one moves the other. */
		delta = msr->data - kl_guest_tsc(vcpu, rdtsc());
		vcpu->tsc_adjust += delta;
	} else {
		if (msr->host_initiated) {
			vcpu->tsc_adjust = msr->data;
			return 0;
		}
		if (!kl_guest_has(vcpu, X86_FEATURE_TSC_ADJUST))
			return 1;
		delta = msr->data - vcpu->tsc_adjust;
		vcpu->tsc_adjust = msr->data;
	}
	kl_tsc_write_offset(vcpu, vcpu->tsc_offset + delta);
	return 0;
}

void kl_tsc_vcpu_init(struct kl_vcpu *vcpu)
{
	kl_tsc_set_khz(vcpu, READ_ONCE(vcpu->vm->default_tsc_khz));
	kl_tsc_host_write(vcpu, 0);
}

long kl_tsc_vm_ioctl(struct kl_vm *vm, unsigned int ioctl, unsigned long arg)
{
	long ret = -EINVAL;

	if (ioctl == KVM_GET_TSC_KHZ)
		return READ_ONCE(vm->default_tsc_khz);
	if (arg > U32_MAX)
		return -EINVAL;
	if (!arg)
		arg = kl_tsc_host_khz();
	if (!kl_ops->tsc_scaling_frac_bits && arg != kl_tsc_host_khz())
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (!vm->nr_vcpus) {
		WRITE_ONCE(vm->default_tsc_khz, arg);
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

long kl_tsc_vcpu_ioctl(struct kl_vcpu *vcpu, unsigned int ioctl,
		       unsigned long arg)
{
	if (ioctl == KVM_GET_TSC_KHZ)
		return vcpu->tsc_khz;
	if (arg > U32_MAX)
		return -EINVAL;
	return kl_tsc_set_khz(vcpu, arg ?: kl_tsc_host_khz());
}
