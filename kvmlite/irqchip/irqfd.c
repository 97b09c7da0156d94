// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_IRQFD: signalling an eventfd raises a GSI.
 *
 * An irqfd hangs on the eventfd's wait queue; the signaller itself injects,
 * under the queue's lock and with interrupts off.
 *
 * Lifetime: an irqfd is on irqchip.irqfds while active. Whoever takes it off,
 * under irqfd_lock, owns its end and queues the shutdown work: the call that
 * deassigns, the release of the VM's file, or the eventfd's last close (EPOLLHUP,
 * in whose context nothing may sleep). The work unhooks it from the wait queue,
 * which waits for a signaller that is in it, and frees it. The VM's release
 * flushes the workqueue, so no irqfd outlives the VM's file.
 */

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "compat.h"
#include "chip.h"

/*
 * struct kl_resampler - level-triggered irqfds that share a GSI
 *
 * A signal raises the line; when the guest acknowledges, the line is lowered
 * once and every member's second eventfd is signalled, whose owners signal
 * again if their device still wants service.
 *
 * Members change under irqfd_mutex and are read under irqchip.srcu.
 */
struct kl_resampler {
	struct kl_irqchip *chip;
	struct list_head link;		/* irqchip.resamplers */
	struct list_head members;
	struct kl_ack_notifier notifier;
};

struct kl_irqfd {
	struct kl_irqchip *chip;
	u32 gsi;
	struct eventfd_ctx *eventfd;
	struct list_head link;		/* irqchip.irqfds while active */
	wait_queue_entry_t wait;
	poll_table pt;
	struct work_struct shutdown;
	struct kl_resampler *resampler;
	struct eventfd_ctx *resamplefd;
	struct list_head resampler_link;
};

static struct workqueue_struct *irqfd_wq;

/* Any context. */
static void irqfd_inject(struct kl_irqfd *irqfd)
{
	if (irqfd->resampler) {
		kl_gsi_set(irqfd->chip, KL_SOURCE_RESAMPLE, irqfd->gsi, 1);
	} else {
		kl_gsi_set(irqfd->chip, KL_SOURCE_USER, irqfd->gsi, 1);
		kl_gsi_set(irqfd->chip, KL_SOURCE_USER, irqfd->gsi, 0);
	}
}

/*
 * The guest is done: lower the line before asking, or a quick answer is lost.
 * irqchip.srcu held.
 */
static void resampler_acked(struct kl_ack_notifier *notifier)
{
	struct kl_resampler *r =
		container_of(notifier, struct kl_resampler, notifier);
	struct kl_irqfd *irqfd;

	kl_gsi_set(r->chip, KL_SOURCE_RESAMPLE, notifier->gsi, 0);
	list_for_each_entry_srcu(irqfd, &r->members, resampler_link,
				 srcu_read_lock_held(&r->chip->srcu))
		eventfd_signal(irqfd->resamplefd);
}

static int resampler_join(struct kl_irqfd *irqfd)
{
	struct kl_irqchip *chip = irqfd->chip;
	struct kl_resampler *r;

	lockdep_assert_held(&chip->irqfd_mutex);
	list_for_each_entry(r, &chip->resamplers, link)
		if (r->notifier.gsi == irqfd->gsi)
			goto join;

	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	r->chip = chip;
	INIT_LIST_HEAD(&r->members);
	r->notifier.gsi = irqfd->gsi;
	r->notifier.acked = resampler_acked;
	list_add(&r->link, &chip->resamplers);
	kl_ack_register(chip, &r->notifier);
join:
	irqfd->resampler = r;
	list_add_rcu(&irqfd->resampler_link, &r->members);
	return 0;
}

static void resampler_leave(struct kl_irqfd *irqfd)
{
	struct kl_irqchip *chip = irqfd->chip;
	struct kl_resampler *r = irqfd->resampler;

	lockdep_assert_held(&chip->irqfd_mutex);
	list_del_rcu(&irqfd->resampler_link);
	if (!list_empty(&r->members)) {
		synchronize_srcu_expedited(&chip->srcu);
		return;
	}
	list_del(&r->link);
	kl_ack_unregister(chip, &r->notifier);
	kl_gsi_set(chip, KL_SOURCE_RESAMPLE, r->notifier.gsi, 0);
	kfree(r);
}

static void irqfd_shutdown(struct work_struct *work)
{
	struct kl_irqfd *irqfd = container_of(work, struct kl_irqfd, shutdown);
	u64 count;

	/* Takes the queue's lock: afterwards nobody is in irqfd_wakeup(). */
	eventfd_ctx_remove_wait_queue(irqfd->eventfd, &irqfd->wait, &count);
	if (irqfd->resampler) {
		mutex_lock(&irqfd->chip->irqfd_mutex);
		resampler_leave(irqfd);
		mutex_unlock(&irqfd->chip->irqfd_mutex);
		eventfd_ctx_put(irqfd->resamplefd);
	}
	eventfd_ctx_put(irqfd->eventfd);
	kfree(irqfd);
}

/* Take it off the list and end it; false: somebody else already did. */
static bool irqfd_deactivate(struct kl_irqfd *irqfd)
{
	lockdep_assert_held(&irqfd->chip->irqfd_lock);
	if (list_empty(&irqfd->link))
		return false;
	list_del_init(&irqfd->link);
	queue_work(irqfd_wq, &irqfd->shutdown);
	return true;
}

/* The eventfd's wait-queue lock is held, interrupts are off. */
static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync,
			void *key)
{
	struct kl_irqfd *irqfd = container_of(wait, struct kl_irqfd, wait);
	__poll_t flags = key_to_poll(key);
	unsigned long irqflags;
	u64 count;
	int ret = 0;

	if (flags & EPOLLIN) {
		/* Ours to consume: readers of the eventfd see nothing. */
		eventfd_ctx_do_read(irqfd->eventfd, &count);
		irqfd_inject(irqfd);
		ret = 1;
	}
	if (flags & EPOLLHUP) {
		spin_lock_irqsave(&irqfd->chip->irqfd_lock, irqflags);
		irqfd_deactivate(irqfd);
		spin_unlock_irqrestore(&irqfd->chip->irqfd_lock, irqflags);
	}
	return ret;
}

static void irqfd_hook(struct file *file, wait_queue_head_t *wqh,
		       poll_table *pt)
{
	struct kl_irqfd *irqfd = container_of(pt, struct kl_irqfd, pt);

	add_wait_queue_priority(wqh, &irqfd->wait);
}

/* One eventfd raises one GSI of a VM. */
static int irqfd_publish(struct kl_irqfd *irqfd)
{
	struct kl_irqchip *chip = irqfd->chip;
	struct kl_irqfd *other;
	int ret = 0;

	spin_lock_irq(&chip->irqfd_lock);
	list_for_each_entry(other, &chip->irqfds, link)
		if (other->eventfd == irqfd->eventfd)
			ret = -EBUSY;
	if (!ret)
		list_add_tail(&irqfd->link, &chip->irqfds);
	spin_unlock_irq(&chip->irqfd_lock);
	return ret;
}

/*
 * irqfd_mutex is held, so nobody deassigns before we are done; @file is held,
 * so it cannot hang up.
 */
static int irqfd_start(struct kl_irqfd *irqfd, struct file *file)
{
	int ret;

	if (irqfd->resamplefd) {
		ret = resampler_join(irqfd);
		if (ret)
			return ret;
	}
	ret = irqfd_publish(irqfd);
	if (ret) {
		if (irqfd->resampler)
			resampler_leave(irqfd);
		return ret;
	}
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wakeup);
	init_poll_funcptr(&irqfd->pt, irqfd_hook);
	/* Signalled before we came: it counts. */
	if (vfs_poll(file, &irqfd->pt) & EPOLLIN)
		irqfd_inject(irqfd);
	return 0;
}

static int irqfd_assign(struct kl_irqchip *chip, const struct kvm_irqfd *args)
{
	struct kl_irqfd *irqfd;
	struct file *file;
	int ret;

	if (!kl_irqchip_in_kernel(chip->vm))
		return -EINVAL;
	/* Acknowledges are seen by chips in the kernel only. */
	if ((args->flags & KVM_IRQFD_FLAG_RESAMPLE) &&
	    chip->vm->irqchip_mode != KL_IRQCHIP_KERNEL)
		return -EINVAL;

	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd)
		return -ENOMEM;
	irqfd->chip = chip;
	irqfd->gsi = args->gsi;
	INIT_LIST_HEAD(&irqfd->link);
	INIT_WORK(&irqfd->shutdown, irqfd_shutdown);

	file = fget(args->fd);
	if (!file) {
		ret = -EBADF;
		goto err_free;
	}
	irqfd->eventfd = eventfd_ctx_fileget(file);
	if (IS_ERR(irqfd->eventfd)) {
		ret = PTR_ERR(irqfd->eventfd);
		goto err_file;
	}
	if (args->flags & KVM_IRQFD_FLAG_RESAMPLE) {
		irqfd->resamplefd = eventfd_ctx_fdget(args->resamplefd);
		if (IS_ERR(irqfd->resamplefd)) {
			ret = PTR_ERR(irqfd->resamplefd);
			goto err_eventfd;
		}
	}

	mutex_lock(&chip->irqfd_mutex);
	ret = irqfd_start(irqfd, file);
	mutex_unlock(&chip->irqfd_mutex);
	if (ret)
		goto err_resamplefd;
	/* From here on the eventfd may hang up and the irqfd be gone. */
	fput(file);
	return 0;

err_resamplefd:
	if (irqfd->resamplefd)
		eventfd_ctx_put(irqfd->resamplefd);
err_eventfd:
	eventfd_ctx_put(irqfd->eventfd);
err_file:
	fput(file);
err_free:
	kfree(irqfd);
	return ret;
}

static int irqfd_deassign(struct kl_irqchip *chip, const struct kvm_irqfd *args)
{
	struct kl_irqfd *irqfd, *next;
	struct eventfd_ctx *eventfd;

	eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	mutex_lock(&chip->irqfd_mutex);
	spin_lock_irq(&chip->irqfd_lock);
	list_for_each_entry_safe(irqfd, next, &chip->irqfds, link)
		if (irqfd->eventfd == eventfd && irqfd->gsi == args->gsi)
			irqfd_deactivate(irqfd);
	spin_unlock_irq(&chip->irqfd_lock);
	mutex_unlock(&chip->irqfd_mutex);
	eventfd_ctx_put(eventfd);
	/* No injection once the call has returned. */
	flush_workqueue(irqfd_wq);
	return 0;
}

int kl_irqfd(struct kl_irqchip *chip, const struct kvm_irqfd *args)
{
	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN)
		return irqfd_deassign(chip, args);
	return irqfd_assign(chip, args);
}

void kl_irqfd_release(struct kl_irqchip *chip)
{
	struct kl_irqfd *irqfd, *next;

	spin_lock_irq(&chip->irqfd_lock);
	list_for_each_entry_safe(irqfd, next, &chip->irqfds, link)
		irqfd_deactivate(irqfd);
	spin_unlock_irq(&chip->irqfd_lock);
	flush_workqueue(irqfd_wq);
}

int kl_irqfd_module_init(void)
{
	irqfd_wq = alloc_workqueue("kvmlite-irqfd", 0, 0);
	return irqfd_wq ? 0 : -ENOMEM;
}

void kl_irqfd_module_exit(void)
{
	destroy_workqueue(irqfd_wq);
}
