// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts of a slice. Causes are raised from threads, timers and registers; what
 * comes of them goes to an eventfd as INTA# or MSI, not more often than the limit
 * says, and never less often than the manual does.
 *
 * The eventfds change under the same spinlock under which they are signalled, so
 * that none is after VFIO_DEVICE_SET_IRQS has taken it away.
 */

#include <linux/eventfd.h>
#include <linux/ktime.h>

#include "compat.h"
#include "event.h"
#include "slice.h"

void vg_irq_init(struct vg_irq *irq)
{
	spin_lock_init(&irq->lock);
}

static u32 level(const struct vg_irq *irq)
{
	return irq->status & irq->enable;
}

/* Is there something to be sent? */
static bool due(const struct vg_irq *irq)
{
	if (!irq->trigger || !level(irq))
		return false;
	if (irq->index == VFIO_PCI_MSI_IRQ_INDEX)
		return irq->pending;
	return !irq->masked && !irq->intx_off;
}

static void send(struct vg_slice *s)
{
	struct vg_irq *irq = &s->irq;
	u64 wait;

	lockdep_assert_held(&irq->lock);
	if (!due(irq))
		return;
	wait = vg_limit_take(&irq->irq_limit, ktime_get_ns());
	if (wait) {
		vg_slice_later(s, wait);
		if (!irq->delayed) {
			irq->delayed = true;
			irq->irq_storms++;
			vg_event_seldom(s, VG_SAID_STORM_IRQ, VGPU_EVENT_STORM, VGPU_STORM_IRQ);
		}
		return;
	}
	irq->delayed = false;
	irq->pending = false;
	/* INTA# stays asserted and is masked until its handler has run. */
	irq->masked = irq->index == VFIO_PCI_INTX_IRQ_INDEX;
	irq->sent++;
	eventfd_signal(irq->trigger);
}

/**
 * vg_irq_raise() - something has happened that the driver may want to know
 * @s: slice
 * @causes: VGPU_INTR_*
 *
 * Context: any.
 */
void vg_irq_raise(struct vg_slice *s, u32 causes)
{
	struct vg_irq *irq = &s->irq;
	unsigned long flags;
	u32 was;

	spin_lock_irqsave(&irq->lock, flags);
	was = level(irq);
	irq->status |= causes;
	if (!was && level(irq))
		irq->pending = true;
	send(s);
	spin_unlock_irqrestore(&irq->lock, flags);
}

/**
 * vg_irq_flush() - send what was held up, if it may be
 * @s: slice
 *
 * Context: any.
 */
void vg_irq_flush(struct vg_slice *s)
{
	unsigned long flags;

	spin_lock_irqsave(&s->irq.lock, flags);
	send(s);
	spin_unlock_irqrestore(&s->irq.lock, flags);
}

/**
 * vg_irq_ack() - INTR_STATUS is written
 * @s: slice
 * @causes: to be cleared
 *
 * With MSI, what is left is told of again.
 */
void vg_irq_ack(struct vg_slice *s, u32 causes)
{
	struct vg_irq *irq = &s->irq;

	spin_lock_irq(&irq->lock);
	if (irq->status & causes) {
		irq->status &= ~causes;
		irq->pending = level(irq);
	}
	send(s);
	spin_unlock_irq(&irq->lock);
}

/**
 * vg_irq_enable() - INTR_ENABLE is written
 * @s: slice
 * @causes: that interrupt
 */
void vg_irq_enable(struct vg_slice *s, u32 causes)
{
	struct vg_irq *irq = &s->irq;
	u32 was;

	spin_lock_irq(&irq->lock);
	was = level(irq);
	irq->enable = causes & VGPU_INTR_ALL;
	if (!was && level(irq))
		irq->pending = true;
	send(s);
	spin_unlock_irq(&irq->lock);
}

/**
 * vg_irq_intx_off() - Interrupt Disable in the command register
 * @s: slice
 * @off: its value
 */
void vg_irq_intx_off(struct vg_slice *s, bool off)
{
	spin_lock_irq(&s->irq.lock);
	s->irq.intx_off = off;
	send(s);
	spin_unlock_irq(&s->irq.lock);
}

/**
 * vg_irq_level() - is INTA# wanted?
 * @s: slice
 */
bool vg_irq_level(struct vg_slice *s)
{
	bool yes;

	spin_lock_irq(&s->irq.lock);
	yes = level(&s->irq);
	spin_unlock_irq(&s->irq.lock);
	return yes;
}

/**
 * vg_irq_reset() - the registers as after power-on; eventfds stay
 * @s: slice
 */
void vg_irq_reset(struct vg_slice *s)
{
	spin_lock_irq(&s->irq.lock);
	s->irq.status = 0;
	s->irq.enable = 0;
	s->irq.pending = false;
	spin_unlock_irq(&s->irq.lock);
}

/* INTA# is handled; if it is still asserted, it comes again. */
static void unmask(struct vg_slice *s)
{
	spin_lock_irq(&s->irq.lock);
	s->irq.masked = false;
	send(s);
	spin_unlock_irq(&s->irq.lock);
}

/* From a work: an eventfd must not be signalled from within another. */
static void unmask_thread(void *opaque, void *data)
{
	unmask(opaque);
}

static void set_trigger(struct vg_slice *s, u32 index, struct eventfd_ctx *ctx)
{
	struct vg_irq *irq = &s->irq;
	struct eventfd_ctx *was;

	spin_lock_irq(&irq->lock);
	was = irq->trigger;
	irq->trigger = ctx;
	irq->index = index;
	irq->masked = false;
	irq->pending = level(irq);
	send(s);
	spin_unlock_irq(&irq->lock);
	if (was)
		eventfd_ctx_put(was);
}

static void set_request(struct vg_slice *s, struct eventfd_ctx *ctx)
{
	struct eventfd_ctx *was;

	spin_lock_irq(&s->irq.lock);
	was = s->irq.request;
	s->irq.request = ctx;
	spin_unlock_irq(&s->irq.lock);
	if (was)
		eventfd_ctx_put(was);
}

/**
 * vg_irq_request() - ask the slice's user to let go
 * @s: slice
 */
void vg_irq_request(struct vg_slice *s)
{
	spin_lock_irq(&s->irq.lock);
	if (s->irq.request)
		eventfd_signal(s->irq.request);
	spin_unlock_irq(&s->irq.lock);
}

static void disable(struct vg_slice *s)
{
	lockdep_assert_held(&s->lock);
	vfio_virqfd_disable(&s->irq.unmask);
	set_trigger(s, VFIO_PCI_INTX_IRQ_INDEX, NULL);
}

/**
 * vg_irq_close() - no eventfd is used any more
 * @s: slice, locked
 */
void vg_irq_close(struct vg_slice *s)
{
	disable(s);
	set_request(s, NULL);
}

/**
 * vg_irq_count() - how many interrupts an index has
 * @index: VFIO_PCI_*_IRQ_INDEX
 */
u32 vg_irq_count(u32 index)
{
	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
	case VFIO_PCI_MSI_IRQ_INDEX:
	case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	}
	return 0;
}

/* The user sends one himself, to try the way. */
static void loop_back(struct vg_slice *s, u32 index)
{
	struct vg_irq *irq = &s->irq;

	spin_lock_irq(&irq->lock);
	if (index == VFIO_PCI_REQ_IRQ_INDEX && irq->request)
		eventfd_signal(irq->request);
	else if (index == irq->index && irq->trigger)
		eventfd_signal(irq->trigger);
	spin_unlock_irq(&irq->lock);
}

static int trigger(struct vg_slice *s, const struct vfio_irq_set *set, const void *data)
{
	bool request = set->index == VFIO_PCI_REQ_IRQ_INDEX;
	struct eventfd_ctx *ctx = NULL;
	bool other;
	s32 fd = -1;

	spin_lock_irq(&s->irq.lock);
	other = !request && s->irq.trigger && s->irq.index != set->index;
	spin_unlock_irq(&s->irq.lock);
	/* INTx or MSI, one at a time. */
	if (other && set->count)
		return -EINVAL;
	if (set->count && set->flags & VFIO_IRQ_SET_DATA_NONE) {
		loop_back(s, set->index);
		return 0;
	}
	if (set->count && set->flags & VFIO_IRQ_SET_DATA_BOOL) {
		if (*(const u8 *)data)
			loop_back(s, set->index);
		return 0;
	}
	if (set->count)
		fd = *(const s32 *)data;
	else if (!(set->flags & VFIO_IRQ_SET_DATA_NONE))
		return -EINVAL;
	if (fd < -1)
		return -EINVAL;
	if (fd >= 0) {
		ctx = eventfd_ctx_fdget(fd);
		if (IS_ERR(ctx))
			return PTR_ERR(ctx);
	}
	if (request)
		set_request(s, ctx);
	else if (ctx)
		set_trigger(s, set->index, ctx);
	else if (!other)
		disable(s);
	return 0;
}

static int mask(struct vg_slice *s, const struct vfio_irq_set *set, const void *data)
{
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return -ENOTTY;
	if (!set->count)
		return -EINVAL;
	if (set->flags & VFIO_IRQ_SET_DATA_BOOL && !*(const u8 *)data)
		return 0;
	spin_lock_irq(&s->irq.lock);
	s->irq.masked = true;
	spin_unlock_irq(&s->irq.lock);
	return 0;
}

static int set_unmask(struct vg_slice *s, const struct vfio_irq_set *set, const void *data)
{
	s32 fd;

	if (!set->count)
		return -EINVAL;
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD) {
		fd = *(const s32 *)data;
		if (fd >= 0)
			return vfio_virqfd_enable(s, NULL, unmask_thread, NULL, &s->irq.unmask, fd);
		vfio_virqfd_disable(&s->irq.unmask);
		return 0;
	}
	if (set->flags & VFIO_IRQ_SET_DATA_NONE || *(const u8 *)data)
		unmask(s);
	return 0;
}

/**
 * vg_irq_set() - VFIO_DEVICE_SET_IRQS
 * @s: slice, locked
 * @set: what, checked by vfio_set_irqs_validate_and_prepare()
 * @data: of @set, if it has any
 *
 * Return: 0, -EINVAL, -ENOTTY for what the interrupt cannot do, -EBADF,
 * -EBUSY if INTx has an eventfd to unmask it already.
 */
int vg_irq_set(struct vg_slice *s, const struct vfio_irq_set *set, const void *data)
{
	u32 action = set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;

	lockdep_assert_held(&s->lock);
	if (action == VFIO_IRQ_SET_ACTION_TRIGGER)
		return trigger(s, set, data);
	if (set->index != VFIO_PCI_INTX_IRQ_INDEX)
		return -ENOTTY;
	if (action == VFIO_IRQ_SET_ACTION_MASK)
		return mask(s, set, data);
	return action == VFIO_IRQ_SET_ACTION_UNMASK ? set_unmask(s, set, data) : -ENOTTY;
}
