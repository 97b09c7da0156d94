// SPDX-License-Identifier: GPL-2.0
/*
 * The 8254 as a device: its ports, channel 0's interrupt, and ticks that the
 * guest could not take in time.
 *
 * pit.mutex protects the registers; the timer's callback runs in a hard
 * interrupt, takes no lock of ours and touches @pending, @acked and @period
 * only. The timer is programmed after hrtimer_cancel(), with the mutex held.
 *
 * Reinjection: guests that count ticks must get them all. Then a tick is
 * raised only once the last was acknowledged, the others wait in @pending.
 */

#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "../param.h"
#include "chip.h"
#include "pit.h"

#define PIT_GSI		0
#define PIT_PORT	0x40
#define PIT_PORTS	4
#define PIT_SPEAKER	0x61
/* A guest that takes none for this many ticks will not want them all. */
#define PIT_MAX_PENDING	100000

struct kl_pit {
	struct kl_irqchip *chip;
	struct mutex mutex;		/* state, programming the timer */
	struct kvm_pit_state2 state;
	struct kl_iodev ports, speaker;
	struct hrtimer timer;
	u64 period;			/* ns; 0: one-shot */
	bool dead;			/* the VM is going: no new timers */
	bool reinject;
	atomic_t pending;		/* ticks not acknowledged */
	atomic_t acked;			/* 1: the next may be raised */
	struct kl_ack_notifier notifier;
};

static s64 pit_now(void)
{
	return ktime_to_ns(ktime_get());
}

/* Some kernels route the timer to LINT0 as NMI, for a watchdog. */
static void pit_nmi_watchdogs(struct kl_irqchip *chip)
{
	struct kl_vcpu *vcpu;
	unsigned long i;

	if (!atomic_read(&chip->nmi_watchdogs))
		return;
	kl_for_each_vcpu(i, vcpu, chip->vm)
		if (vcpu->apic && READ_ONCE(vcpu->apic->nmi_watchdog))
			kl_lapic_local(vcpu->apic, KL_LVT_LINT0);
}

/* Any context. */
static void pit_raise(struct kl_pit *pit)
{
	kl_gsi_set(pit->chip, KL_SOURCE_PIT, PIT_GSI, 1);
	kl_gsi_set(pit->chip, KL_SOURCE_PIT, PIT_GSI, 0);
	pit_nmi_watchdogs(pit->chip);
}

static enum hrtimer_restart pit_timer_fn(struct hrtimer *timer)
{
	struct kl_pit *pit = container_of(timer, struct kl_pit, timer);
	u64 period = READ_ONCE(pit->period), ticks = 1;

	if (period)
		ticks = hrtimer_forward_now(timer, ns_to_ktime(period));
	if (!READ_ONCE(pit->reinject)) {
		pit_raise(pit);
	} else {
		if (atomic_read(&pit->pending) < PIT_MAX_PENDING)
			atomic_add(min_t(u64, ticks, PIT_MAX_PENDING),
				   &pit->pending);
		if (atomic_xchg(&pit->acked, 0))
			pit_raise(pit);
	}
	return period ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

/* The guest has ended a tick: the next, if one waits. irqchip.srcu held. */
static void pit_acked(struct kl_ack_notifier *notifier)
{
	struct kl_pit *pit = container_of(notifier, struct kl_pit, notifier);

	if (atomic_dec_if_positive(&pit->pending) > 0)
		pit_raise(pit);
	else
		/*
		 * Before a tick that finds it 0 has counted itself: harmless,
		 * it goes out with the one after.
		 */
		atomic_set(&pit->acked, 1);
}

static void pit_reset_reinject(struct kl_pit *pit)
{
	atomic_set(&pit->pending, 0);
	atomic_set(&pit->acked, 1);
}

/* Ticks raised while the pin was masked are never acknowledged. */
void kl_pit_unmasked(struct kl_irqchip *chip)
{
	/* Pairs with the release in kl_pit_create(). */
	struct kl_pit *pit = smp_load_acquire(&chip->pit);

	if (pit)
		pit_reset_reinject(pit);
}

static void pit_program(struct kl_pit *pit)
{
	bool periodic = false;
	u64 ns;

	lockdep_assert_held(&pit->mutex);
	hrtimer_cancel(&pit->timer);
	if (pit->dead || !kl_pit_period(&pit->state, &ns, &periodic))
		return;
	pit_reset_reinject(pit);
	WRITE_ONCE(pit->period,
		   periodic ? max_t(u64, ns, KL_MIN_TIMER_PERIOD_NS) : 0);
	hrtimer_start(&pit->timer, ns_to_ktime(ns), HRTIMER_MODE_REL_HARD);
}

static int pit_write(struct kl_iodev *dev, u64 addr, int len, const void *val)
{
	struct kl_pit *pit = dev->ctx;

	if (len != 1)
		return 0;
	mutex_lock(&pit->mutex);
	if (kl_pit_write(&pit->state, addr - PIT_PORT, *(const u8 *)val,
			 pit_now()) == KL_PIT_RESTART)
		pit_program(pit);
	mutex_unlock(&pit->mutex);
	return 0;
}

static int pit_read(struct kl_iodev *dev, u64 addr, int len, void *val)
{
	struct kl_pit *pit = dev->ctx;

	memset(val, 0, len);
	if (len != 1)
		return 0;
	mutex_lock(&pit->mutex);
	*(u8 *)val = kl_pit_read(&pit->state, addr - PIT_PORT, pit_now());
	mutex_unlock(&pit->mutex);
	return 0;
}

static int speaker_write(struct kl_iodev *dev, u64 addr, int len,
			 const void *val)
{
	struct kl_pit *pit = dev->ctx;

	mutex_lock(&pit->mutex);
	kl_pit_speaker_write(&pit->state, *(const u8 *)val, pit_now());
	mutex_unlock(&pit->mutex);
	return 0;
}

static int speaker_read(struct kl_iodev *dev, u64 addr, int len, void *val)
{
	struct kl_pit *pit = dev->ctx;

	memset(val, 0, len);
	mutex_lock(&pit->mutex);
	*(u8 *)val = kl_pit_speaker_read(&pit->state, pit_now());
	mutex_unlock(&pit->mutex);
	return 0;
}

static const struct kl_iodev_ops pit_ops = {
	.read = pit_read,
	.write = pit_write,
};

static const struct kl_iodev_ops speaker_ops = {
	.read = speaker_read,
	.write = speaker_write,
};

static void pit_set_reinject(struct kl_pit *pit, bool reinject)
{
	if (pit->reinject == reinject)
		return;
	if (reinject) {
		pit_reset_reinject(pit);
		kl_ack_register(pit->chip, &pit->notifier);
	} else {
		kl_ack_unregister(pit->chip, &pit->notifier);
	}
	WRITE_ONCE(pit->reinject, reinject);
}

/**
 * kl_pit_create - add the timer to a VM that has its PICs in the kernel
 * @chip: the VM's interrupt hardware; vm->lock held
 * @flags: KVM_PIT_SPEAKER_DUMMY
 *
 * Return: 0, -EEXIST, -ENOENT without PICs, -ENOMEM.
 */
int kl_pit_create(struct kl_irqchip *chip, u32 flags)
{
	struct kl_pit *pit;
	int ret;

	lockdep_assert_held(&chip->vm->lock);
	if (chip->pit)
		return -EEXIST;
	if (chip->vm->irqchip_mode != KL_IRQCHIP_KERNEL)
		return -ENOENT;
	pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	if (!pit)
		return -ENOMEM;
	pit->chip = chip;
	mutex_init(&pit->mutex);
	hrtimer_setup(&pit->timer, pit_timer_fn, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_HARD);
	kl_pit_reset(&pit->state, pit_now());
	pit->notifier.gsi = PIT_GSI;
	pit->notifier.acked = pit_acked;

	pit->ports = (struct kl_iodev){
		.ops = &pit_ops, .bus = KL_BUS_PIO,
		.addr = PIT_PORT, .len = PIT_PORTS, .ctx = pit,
	};
	pit->speaker = (struct kl_iodev){
		.ops = &speaker_ops, .bus = KL_BUS_PIO,
		.addr = PIT_SPEAKER, .len = 1, .ctx = pit,
	};
	kl_iobus_lock(chip->vm);
	ret = kl_iobus_add(chip->vm, &pit->ports);
	if (!ret && (flags & KVM_PIT_SPEAKER_DUMMY)) {
		ret = kl_iobus_add(chip->vm, &pit->speaker);
		if (ret)
			kl_iobus_remove(chip->vm, &pit->ports);
	}
	kl_iobus_unlock(chip->vm);
	if (ret) {
		/* A vCPU may have found the ports and started the timer. */
		hrtimer_cancel(&pit->timer);
		kfree(pit);
		return ret;
	}
	pit_set_reinject(pit, true);
	/* Complete before it is seen. */
	smp_store_release(&chip->pit, pit);
	return 0;
}

/* The last reference to the VM has gone; vCPUs are about to. */
void kl_pit_stop(struct kl_irqchip *chip)
{
	if (!chip->pit)
		return;
	mutex_lock(&chip->pit->mutex);
	chip->pit->dead = true;
	hrtimer_cancel(&chip->pit->timer);
	mutex_unlock(&chip->pit->mutex);
}

/* After the bus, which knows its ports, is gone. */
void kl_pit_free(struct kl_irqchip *chip)
{
	if (!chip->pit)
		return;
	kl_pit_stop(chip);
	pit_set_reinject(chip->pit, false);
	kfree(chip->pit);
	chip->pit = NULL;
}

static void pit_set_state(struct kl_pit *pit, const struct kvm_pit_state2 *new)
{
	mutex_lock(&pit->mutex);
	kl_pit_set_state(&pit->state, new, pit_now());
	pit_program(pit);
	mutex_unlock(&pit->mutex);
}

static long pit_set(struct kl_pit *pit, void __user *argp, bool v2)
{
	size_t size = v2 ? sizeof(struct kvm_pit_state2) :
			   sizeof(struct kvm_pit_state);
	struct kvm_pit_state2 state = { };

	/* The old structure is the beginning of the new one. */
	if (copy_from_user(&state, argp, size))
		return -EFAULT;
	if (!pit)
		return -ENXIO;
	if (!v2)
		state.flags = pit->state.flags;
	pit_set_state(pit, &state);
	return 0;
}

static long pit_get(struct kl_pit *pit, void __user *argp, bool v2)
{
	size_t size = v2 ? sizeof(struct kvm_pit_state2) :
			   sizeof(struct kvm_pit_state);
	struct kvm_pit_state2 state;

	if (!pit)
		return -ENXIO;
	mutex_lock(&pit->mutex);
	state = pit->state;
	mutex_unlock(&pit->mutex);
	memset(state.reserved, 0, sizeof(state.reserved));
	return copy_to_user(argp, &state, size) ? -EFAULT : 0;
}

static long pit_reinject_control(struct kl_irqchip *chip, void __user *argp)
{
	struct kvm_reinject_control control;

	if (copy_from_user(&control, argp, sizeof(control)))
		return -EFAULT;
	if (!chip->pit)
		return -ENXIO;
	mutex_lock(&chip->pit->mutex);
	pit_set_reinject(chip->pit, control.pit_reinject);
	mutex_unlock(&chip->pit->mutex);
	return 0;
}

long kl_pit_ioctl(struct kl_irqchip *chip, unsigned int ioctl,
		  void __user *argp)
{
	/* Pairs with the release in kl_pit_create(). */
	struct kl_pit *pit = smp_load_acquire(&chip->pit);

	BUILD_BUG_ON(offsetof(struct kvm_pit_state2, flags) !=
		     sizeof(struct kvm_pit_state));

	switch (ioctl) {
	case KVM_GET_PIT:
	case KVM_GET_PIT2:
		return pit_get(pit, argp, ioctl == KVM_GET_PIT2);
	case KVM_SET_PIT:
	case KVM_SET_PIT2:
		return pit_set(pit, argp, ioctl == KVM_SET_PIT2);
	default:
		return pit_reinject_control(chip, argp);
	}
}
