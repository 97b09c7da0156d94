// SPDX-License-Identifier: GPL-2.0
/* The scheduler's log: who had which engine when. */

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "log.h"

#define BATCH 32

int vg_log_init(struct vg_log *l)
{
	spin_lock_init(&l->lock);
	l->next = 0;
	l->turns = kvcalloc(VG_LOG_TURNS, sizeof(*l->turns), GFP_KERNEL);
	return l->turns ? 0 : -ENOMEM;
}

void vg_log_exit(struct vg_log *l)
{
	kvfree(l->turns);
}

/**
 * vg_log_add() - a turn has ended
 * @l: log
 * @turn: which
 *
 * Context: any.
 */
void vg_log_add(struct vg_log *l, const struct vgpu_turn *turn)
{
	unsigned long flags;

	spin_lock_irqsave(&l->lock, flags);
	l->turns[l->next++ % VG_LOG_TURNS] = *turn;
	spin_unlock_irqrestore(&l->lock, flags);
}

/* Up to @count turns from @from on; what is too old is skipped and counted. */
static u32 copy(struct vg_log *l, u64 *from, u64 *lost, struct vgpu_turn *to, u32 count)
{
	u32 n = 0;

	spin_lock_irq(&l->lock);
	if (l->next > VG_LOG_TURNS && *from < l->next - VG_LOG_TURNS) {
		*lost += l->next - VG_LOG_TURNS - *from;
		*from = l->next - VG_LOG_TURNS;
	}
	while (n < count && *from < l->next)
		to[n++] = l->turns[(*from)++ % VG_LOG_TURNS];
	spin_unlock_irq(&l->lock);
	return n;
}

/**
 * vg_log_read() - VGPU_LOG
 * @l: log
 * @arg: of the ioctl; updated
 *
 * Return: 0, -EFAULT, -EINTR, -ENOMEM.
 */
int vg_log_read(struct vg_log *l, struct vgpu_log *arg)
{
	struct vgpu_turn *batch = kmalloc_array(BATCH, sizeof(*batch), GFP_KERNEL);
	struct vgpu_turn __user *to = u64_to_user_ptr(arg->buf_ptr);
	u32 done = 0, n;
	int ret = 0;

	if (!batch)
		return -ENOMEM;
	arg->lost = 0;
	while (done < arg->count) {
		n = copy(l, &arg->from, &arg->lost, batch, min_t(u32, BATCH, arg->count - done));
		if (!n)
			break;
		if (copy_to_user(to + done, batch, n * sizeof(*batch)))
			ret = -EFAULT;
		else if (fatal_signal_pending(current))
			ret = -EINTR;
		if (ret)
			break;
		done += n;
	}
	arg->count = done;
	kfree(batch);
	return ret;
}
