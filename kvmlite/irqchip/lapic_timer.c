// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline (SDM vol. 3,
 * "APIC Timer"), each on the same hrtimer.
 *
 * The vCPU's thread programs it, always after hrtimer_cancel(); the callback
 * runs in a hard interrupt and puts the vector straight into IRR. What the two
 * share while the timer is armed is period_ns, deadline and the LVT entry, each
 * accessed whole.
 */

#include <linux/ktime.h>
#include <linux/math64.h>
#include <asm/tsc.h>

#include "compat.h"

#include "../regs.h"
#include "../param.h"
#include "chip.h"

static u32 timer_mode(const struct kl_lapic *apic)
{
	return READ_ONCE(apic->r.lvt[KL_LVT_TIMER]) & KL_LVT_TIMER_MODE;
}

static u64 timer_ns(struct kl_lapic *apic, u32 count)
{
	return (u64)count * apic->vcpu->vm->irqchip->bus_cycle_ns *
	       kl_lapic_divisor(apic->r.tdcr);
}

static enum hrtimer_restart lapic_timer_fn(struct hrtimer *timer)
{
	struct kl_lapic *apic = container_of(timer, struct kl_lapic, timer);
	u64 period;

	if (timer_mode(apic) == KL_LVT_TSC_DEADLINE)
		WRITE_ONCE(apic->deadline, 0);
	kl_lapic_local(apic, KL_LVT_TIMER);
	if (timer_mode(apic) != KL_LVT_PERIODIC)
		return HRTIMER_NORESTART;
	/* Ticks that were missed are one tick: the vector can pend once. */
	period = max_t(u64, READ_ONCE(apic->period_ns), KL_MIN_TIMER_PERIOD_NS);
	hrtimer_forward_now(timer, ns_to_ktime(period));
	return HRTIMER_RESTART;
}

void kl_lapic_timer_init(struct kl_lapic *apic)
{
	hrtimer_setup(&apic->timer, lapic_timer_fn, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_HARD);
	apic->timer_cpu = -1;
}

static void timer_arm(struct kl_lapic *apic, u64 ns_from_now)
{
	/* A delay that the type cannot hold is for ever. */
	ns_from_now = min_t(u64, ns_from_now, KTIME_MAX / 2);
	apic->timer_cpu = raw_smp_processor_id();
	hrtimer_start(&apic->timer, ktime_add_ns(ktime_get(), ns_from_now),
		      HRTIMER_MODE_ABS_HARD);
}

void kl_lapic_timer_stop(struct kl_lapic *apic)
{
	hrtimer_cancel(&apic->timer);
	WRITE_ONCE(apic->period_ns, 0);
	WRITE_ONCE(apic->deadline, 0);
}

/* Count down from TMICT, of which @left ns are left. */
static void timer_count_down(struct kl_lapic *apic, u64 left)
{
	WRITE_ONCE(apic->period_ns, timer_ns(apic, apic->r.tmict));
	if (apic->period_ns)
		timer_arm(apic, left);
}

void kl_lapic_timer_start(struct kl_lapic *apic)
{
	u64 ns;

	hrtimer_cancel(&apic->timer);
	ns = timer_ns(apic, apic->r.tmict);
	if (timer_mode(apic) == KL_LVT_PERIODIC)
		ns = max_t(u64, ns, KL_MIN_TIMER_PERIOD_NS);
	timer_count_down(apic, ns);
}

void kl_lapic_timer_restore(struct kl_lapic *apic, u32 tmcct)
{
	u64 left;

	/* The deadline comes back as an MSR. */
	if (timer_mode(apic) == KL_LVT_TSC_DEADLINE)
		return;
	left = timer_ns(apic, min(tmcct, apic->r.tmict));
	if (!left && timer_mode(apic) != KL_LVT_PERIODIC) {
		/* It had run out; its interrupt is in IRR or beyond. */
		WRITE_ONCE(apic->period_ns, timer_ns(apic, apic->r.tmict));
		return;
	}
	timer_count_down(apic, left);
}

void kl_lapic_timer_set_mode(struct kl_lapic *apic, u32 old_lvtt)
{
	u32 old = old_lvtt & KL_LVT_TIMER_MODE, new = timer_mode(apic);

	if (old == new)
		return;
	/* To or from TSC-deadline mode disarms; between the others not. */
	if (old == KL_LVT_TSC_DEADLINE || new == KL_LVT_TSC_DEADLINE) {
		kl_lapic_timer_stop(apic);
		apic->r.tmict = 0;
	}
}

void kl_lapic_timer_set_divisor(struct kl_lapic *apic, u32 tdcr)
{
	unsigned int old = kl_lapic_divisor(apic->r.tdcr), new;
	u64 left;

	apic->r.tdcr = tdcr;
	new = kl_lapic_divisor(tdcr);
	if (old == new || !apic->period_ns ||
	    timer_mode(apic) == KL_LVT_TSC_DEADLINE)
		return;
	if (!hrtimer_cancel(&apic->timer)) {
		/* A one-shot that has run out stays so. */
		WRITE_ONCE(apic->period_ns, timer_ns(apic, apic->r.tmict));
		return;
	}
	left = max_t(s64, 0, ktime_to_ns(hrtimer_get_remaining(&apic->timer)));
	timer_count_down(apic, div_u64(left, old) * new);
}

/*
 * Guest TSC ticks as host ns: the guest chooses the number, so beware of
 * products and quotients that do not fit.
 */
static u64 timer_tsc_ns(struct kl_vcpu *vcpu, u64 ticks)
{
	u32 khz = vcpu->tsc_khz;
	u64 ms = div_u64(ticks, khz);

	if (ms > KTIME_MAX / NSEC_PER_MSEC)
		return KTIME_MAX;
	return ms * NSEC_PER_MSEC +
	       div_u64((ticks - ms * khz) * NSEC_PER_MSEC, khz);
}

void kl_lapic_timer_set_deadline(struct kl_lapic *apic, u64 deadline)
{
	struct kl_vcpu *vcpu = apic->vcpu;
	u64 now;

	hrtimer_cancel(&apic->timer);
	WRITE_ONCE(apic->deadline, deadline);
	if (!deadline || !vcpu->tsc_khz)
		return;
	now = kl_guest_tsc(vcpu, rdtsc());
	if (deadline <= now) {
		WRITE_ONCE(apic->deadline, 0);
		kl_lapic_local(apic, KL_LVT_TIMER);
		return;
	}
	/* Rounded up: a tick that comes early is read as spurious. */
	timer_arm(apic, timer_tsc_ns(vcpu, deadline - now) + 1);
}

u32 kl_lapic_timer_count(struct kl_lapic *apic)
{
	u64 left, unit;

	if (timer_mode(apic) == KL_LVT_TSC_DEADLINE || !apic->period_ns ||
	    !hrtimer_active(&apic->timer))
		return 0;
	left = max_t(s64, 0, ktime_to_ns(hrtimer_get_remaining(&apic->timer)));
	unit = timer_ns(apic, 1);
	return min_t(u64, div64_u64(left, unit), apic->r.tmict);
}

/**
 * kl_lapic_tsc_changed - the guest's TSC was moved: so is its deadline
 * @vcpu: the vCPU
 */
void kl_lapic_tsc_changed(struct kl_vcpu *vcpu)
{
	struct kl_lapic *apic = vcpu->apic;

	if (apic && timer_mode(apic) == KL_LVT_TSC_DEADLINE &&
	    READ_ONCE(apic->deadline))
		kl_lapic_timer_set_deadline(apic, READ_ONCE(apic->deadline));
}

/**
 * kl_lapic_load - let the timer follow its vCPU to this CPU
 * @vcpu: the vCPU; preemption on or off
 *
 * A timer on the vCPU's own CPU ends guest mode by itself; one elsewhere needs
 * an IPI on top.
 */
void kl_lapic_load(struct kl_vcpu *vcpu)
{
	struct kl_lapic *apic = vcpu->apic;

	if (!apic || apic->timer_cpu == raw_smp_processor_id() ||
	    !hrtimer_is_queued(&apic->timer))
		return;
	/* -1: it is expiring right now; 0: it has. */
	if (hrtimer_try_to_cancel(&apic->timer) != 1)
		return;
	apic->timer_cpu = raw_smp_processor_id();
	hrtimer_start_expires(&apic->timer, HRTIMER_MODE_ABS_HARD);
}
