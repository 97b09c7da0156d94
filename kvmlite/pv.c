// SPDX-License-Identifier: GPL-2.0
/*
 * The paravirtual clock: a page in which a guest finds the system time and the
 * scale by which to extrapolate it with its TSC, and the wall clock at which
 * that time was 0. The layout is <asm/pvclock-abi.h>'s; the registers are
 * Documentation/virt/kvm/x86/msr.rst's.
 *
 * System time runs with the host's raw monotonic clock, sleep included: its
 * rate is the TSC's own, unlike that of a clock which is being disciplined.
 * vm->clock_offset makes it 0 when the VM is created, or what KVM_SET_CLOCK
 * says.
 *
 * PVCLOCK_TSC_STABLE_BIT is not set: the pages of a guest's vCPUs are written
 * at different moments, and a guest that relies on one for all of them could
 * see time go back by the difference of two clock readings.
 */

#include <linux/kvm_para.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/tsc.h>

#include "kvm_uapi.h"

#include "pv.h"
#include "vcpu.h"
#include "vm.h"

u32 kl_pv_features(void)
{
	return BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_NOP_IO_DELAY) |
	       BIT(KVM_FEATURE_CLOCKSOURCE2) | kl_pv_sched_features();
}

bool kl_pv_has(struct kl_vcpu *vcpu, unsigned int feature)
{
	return !vcpu->pv->enforced ||
	       (kl_cpuid_pv_features(vcpu) & BIT(feature));
}

/* The feature that a register belongs to; -1: none of ours. */
static int pv_msr_feature(u32 msr)
{
	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_SYSTEM_TIME:
		return KVM_FEATURE_CLOCKSOURCE;
	case MSR_KVM_WALL_CLOCK_NEW:
	case MSR_KVM_SYSTEM_TIME_NEW:
		return KVM_FEATURE_CLOCKSOURCE2;
	case MSR_KVM_STEAL_TIME:
		return KVM_FEATURE_STEAL_TIME;
	case MSR_KVM_POLL_CONTROL:
		return KVM_FEATURE_POLL_CONTROL;
	}
	return -1;
}

static u64 pv_host_ns(void)
{
	return ktime_to_ns(ktime_mono_to_any(ktime_get_raw(), TK_OFFS_BOOT));
}

static u64 pv_clock_ns(struct kl_vm *vm)
{
	return pv_host_ns() + READ_ONCE(vm->clock_offset);
}

/* Nanoseconds are (tsc << shift, or >> -shift) * mul >> 32. */
static void pv_scale(u64 hz, u32 *mul, s8 *shift)
{
	s8 s = 0;

	/* Bring it into (1 GHz, 2 GHz]: then the product's top bit is used. */
	while (hz > 2ull * NSEC_PER_SEC) {
		hz >>= 1;
		s--;
	}
	while (hz <= NSEC_PER_SEC) {
		hz <<= 1;
		s++;
	}
	*mul = div64_u64((u64)NSEC_PER_SEC << 32, hz);
	*shift = s;
}

/*
 * An odd version while the page is in two minds: readers wait for an even one
 * that is the same before and after.
 */
static void pv_write_time(struct kl_vcpu *vcpu, gpa_t gpa)
{
	struct pvclock_vcpu_time_info *time = &vcpu->pv->time;
	struct pvclock_vcpu_time_info old;

	/* The guest clears this one itself when it has seen it. */
	if (!kl_gpa_read(vcpu->vm, gpa, &old, sizeof(old)))
		time->flags |= old.flags & PVCLOCK_GUEST_STOPPED;
	time->version |= 1;
	if (kl_gpa_write(vcpu->vm, gpa, &time->version, sizeof(time->version)))
		return;
	/* Odd version before the data … */
	smp_wmb();
	if (kl_gpa_write(vcpu->vm, gpa + sizeof(time->version),
			 (u8 *)time + sizeof(time->version),
			 sizeof(*time) - sizeof(time->version)))
		return;
	/* … the data before the even one. */
	smp_wmb();
	time->version++;
	kl_gpa_write(vcpu->vm, gpa, &time->version, sizeof(time->version));
}

void kl_pv_update_clock(struct kl_vcpu *vcpu)
{
	struct kl_pv *pv = vcpu->pv;
	u64 host_tsc, ns;

	if (!(pv->time_msr & KVM_MSR_ENABLED) || !vcpu->tsc_khz)
		return;
	/* The two readings belong to one moment. */
	local_irq_disable();
	host_tsc = rdtsc();
	ns = pv_clock_ns(vcpu->vm);
	local_irq_enable();

	pv->time.tsc_timestamp = kl_guest_tsc(vcpu, host_tsc);
	pv->time.system_time = ns;
	pv_scale((u64)vcpu->tsc_khz * 1000, &pv->time.tsc_to_system_mul,
		 &pv->time.tsc_shift);
	pv->time.flags = pv->stopped ? PVCLOCK_GUEST_STOPPED : 0;
	pv->stopped = false;
	pv_write_time(vcpu, pv->time_msr & ~(u64)KVM_MSR_ENABLED);
}

/* Real time at system time 0, into a page of the guest's. */
static void pv_write_wall_clock(struct kl_vm *vm, gpa_t gpa)
{
	struct pvclock_wall_clock wc;
	u32 version;
	u64 ns;

	if (!gpa || kl_gpa_read(vm, gpa, &version, sizeof(version)))
		return;
	version |= 1;
	if (kl_gpa_write(vm, gpa, &version, sizeof(version)))
		return;
	/* As in pv_write_time(). */
	smp_wmb();

	local_irq_disable();
	ns = ktime_get_real_ns() - pv_clock_ns(vm);
	local_irq_enable();
	wc.version = version;
	wc.sec = div_u64_rem(ns, NSEC_PER_SEC, &wc.nsec);
	if (kl_gpa_write(vm, gpa, &wc, sizeof(wc)))
		return;
	/* As in pv_write_time(). */
	smp_wmb();
	version++;
	kl_gpa_write(vm, gpa, &version, sizeof(version));
}

static int pv_set_system_time(struct kl_vcpu *vcpu, u64 data)
{
	/* The page's address has bit 0 for the switch; bit 1 must be clear. */
	if (data & 2)
		return 1;
	vcpu->pv->time_msr = data;
	if (data & KVM_MSR_ENABLED)
		kl_request(vcpu, KL_REQ_CLOCK);
	return 0;
}

int kl_pv_msr_get(struct kl_vcpu *vcpu, u32 msr, u64 *data)
{
	int feature = pv_msr_feature(msr);

	if (feature < 0)
		return KL_MSR_UNKNOWN;
	if (!kl_pv_has(vcpu, feature))
		return 1;
	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		*data = vcpu->vm->wall_clock_msr;
		return 0;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		*data = vcpu->pv->time_msr;
		return 0;
	case MSR_KVM_STEAL_TIME:
		*data = vcpu->pv->steal_msr;
		return 0;
	default:
		*data = vcpu->pv->poll_control;
		return 0;
	}
}

int kl_pv_msr_set(struct kl_vcpu *vcpu, u32 msr, u64 data)
{
	int feature = pv_msr_feature(msr);

	if (feature < 0)
		return KL_MSR_UNKNOWN;
	if (!kl_pv_has(vcpu, feature))
		return 1;
	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		vcpu->vm->wall_clock_msr = data;
		pv_write_wall_clock(vcpu->vm, data);
		return 0;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		return pv_set_system_time(vcpu, data);
	case MSR_KVM_STEAL_TIME:
		return kl_pv_set_steal(vcpu, data);
	default:
		/* Only bit 0 has a meaning. */
		if (data & ~1ULL)
			return 1;
		vcpu->pv->poll_control = data;
		return 0;
	}
}

static long pv_get_clock(struct kl_vm *vm, void __user *argp)
{
	struct kvm_clock_data data = {
		.flags = KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC,
	};

	local_irq_disable();
	data.host_tsc = rdtsc();
	data.clock = pv_clock_ns(vm);
	data.realtime = ktime_get_real_ns();
	local_irq_enable();
	return copy_to_user(argp, &data, sizeof(data)) ? -EFAULT : 0;
}

static long pv_set_clock(struct kl_vm *vm, void __user *argp)
{
	struct kvm_clock_data data;
	u64 now;

	if (copy_from_user(&data, argp, sizeof(data)))
		return -EFAULT;
	if (data.flags & ~(KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC |
			   KVM_CLOCK_TSC_STABLE))
		return -EINVAL;
	/* The clock went on while the guest was away. */
	if (data.flags & KVM_CLOCK_REALTIME) {
		now = ktime_get_real_ns();
		if (now > data.realtime)
			data.clock += now - data.realtime;
	}
	mutex_lock(&vm->lock);
	WRITE_ONCE(vm->clock_offset, data.clock - pv_host_ns());
	mutex_unlock(&vm->lock);
	kl_request_all(vm, KL_REQ_CLOCK);
	return 0;
}

long kl_pv_vm_ioctl(struct kl_vm *vm, unsigned int ioctl, void __user *argp)
{
	switch (ioctl) {
	case KVM_GET_CLOCK:
		return pv_get_clock(vm, argp);
	case KVM_SET_CLOCK:
		return pv_set_clock(vm, argp);
	}
	return -ENOIOCTLCMD;
}

long kl_pv_vcpu_ioctl(struct kl_vcpu *vcpu, unsigned int ioctl,
		      void __user *argp)
{
	if (ioctl != KVM_KVMCLOCK_CTRL)
		return -ENOIOCTLCMD;
	if (!(vcpu->pv->time_msr & KVM_MSR_ENABLED))
		return -EINVAL;
	vcpu->pv->stopped = true;
	kl_request(vcpu, KL_REQ_CLOCK);
	return 0;
}

void kl_pv_vm_init(struct kl_vm *vm)
{
	vm->clock_offset = -pv_host_ns();
}

int kl_pv_vcpu_init(struct kl_vcpu *vcpu)
{
	vcpu->pv = kzalloc(sizeof(*vcpu->pv), GFP_KERNEL_ACCOUNT);
	return vcpu->pv ? 0 : -ENOMEM;
}

void kl_pv_reset(struct kl_vcpu *vcpu)
{
	vcpu->pv->time_msr = 0;
	vcpu->pv->stopped = false;
	vcpu->pv->steal_msr = 0;
	vcpu->pv->poll_control = 1;
	vcpu->pv_unhalted = false;
}

void kl_pv_vcpu_free(struct kl_vcpu *vcpu)
{
	kfree(vcpu->pv);
}
