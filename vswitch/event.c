// SPDX-License-Identifier: GPL-2.0
/*
 * Event files. A switch has a list of watchers, read under RCU by whoever has
 * something to tell and changed under RTNL; each watcher has a ring under a
 * lock of its own, which is taken only where events happen: a frame from a
 * known address is none.
 *
 * A watcher belongs to its file. The switch's list holds it until the file is
 * closed or the switch goes, whichever comes first.
 */

#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "event.h"
#include "switch.h"
#include "trace.h"

#define VSW_EVENT_RING 1024

/**
 * struct vsw_watcher - an events file
 * @list: in the switch's list while @sw is set
 * @sw: the switch, NULL once it is gone; under RTNL
 * @mask: kinds that are wanted
 * @lock: protects all that follows, taken with bottom halves off
 * @head: where the next event is written; counts on without end
 * @tail: where the next one is read
 * @lost: how many had no room since the last that had
 * @ended: nothing more will come
 * @wait: readers
 * @read: serialises readers, so that a slow one loses nothing of another's
 * @rcu: its end
 * @ring: the events
 */
struct vsw_watcher {
	struct list_head list;
	struct vsw_switch *sw;
	u32 mask;
	spinlock_t lock;	/* the ring */
	u32 head;
	u32 tail;
	u32 lost;
	bool ended;
	wait_queue_head_t wait;
	struct mutex read;	/* readers */
	struct rcu_head rcu;
	struct vswitch_event ring[VSW_EVENT_RING];
};

DEFINE_STATIC_KEY_FALSE(vsw_event_key);

/* The last place is kept for the news that something is missing. */
static void vsw_watcher_put(struct vsw_watcher *w, const struct vswitch_event *event)
{
	spin_lock_bh(&w->lock);
	if (w->lost && w->head - w->tail < VSW_EVENT_RING - 1) {
		struct vswitch_event *lost = &w->ring[w->head++ % VSW_EVENT_RING];

		*lost = (struct vswitch_event) {
			.kind = VSWITCH_EVENT_LOST,
			.port = VSWITCH_PORT_NONE,
			.value = w->lost,
			.time_ns = event->time_ns,
		};
		w->lost = 0;
	}
	if (w->head - w->tail < VSW_EVENT_RING)
		w->ring[w->head++ % VSW_EVENT_RING] = *event;
	else
		w->lost++;
	if (event->kind == VSWITCH_EVENT_SWITCH_REMOVED)
		w->ended = true;
	spin_unlock_bh(&w->lock);
	wake_up_interruptible(&w->wait);
}

/* The rest of vsw_event(). */
void vsw_event_send(struct vsw_switch *sw, u32 kind, struct vsw_port *port, u64 key, u32 value)
{
	struct vswitch_event event = {
		.kind = kind,
		.port = port ? port->id : VSWITCH_PORT_NONE,
		.vid = vsw_fdb_key_vid(key),
		.value = value,
	};
	struct vsw_watcher *w;

	vsw_fdb_key_mac(key, event.mac);
	trace_vsw_event(sw, &event);
	rcu_read_lock();
	list_for_each_entry_rcu(w, &sw->watchers, list) {
		if (!(w->mask & BIT(kind)) && kind != VSWITCH_EVENT_SWITCH_REMOVED)
			continue;
		if (!event.time_ns)
			event.time_ns = ktime_get_ns();
		vsw_watcher_put(w, &event);
	}
	rcu_read_unlock();
}

/* Under RTNL: out of the switch's list. Who walks it may still see the watcher. */
static void vsw_watcher_unlink(struct vsw_watcher *w)
{
	if (!w->sw)
		return;
	list_del_rcu(&w->list);
	w->sw->nr_watchers--;
	w->sw = NULL;
	static_branch_dec(&vsw_event_key);
}

/**
 * vsw_event_end() - the switch goes: tell everybody, for the last time
 * @sw: the switch
 *
 * Context: RTNL.
 */
void vsw_event_end(struct vsw_switch *sw)
{
	struct vsw_watcher *w, *next;

	ASSERT_RTNL();
	vsw_event(sw, VSWITCH_EVENT_SWITCH_REMOVED, NULL, 0, 0);
	list_for_each_entry_safe(w, next, &sw->watchers, list)
		vsw_watcher_unlink(w);
}

/* An event that is there, 0 at the end, -EAGAIN if none is there yet. */
static int vsw_watcher_get(struct vsw_watcher *w, struct vswitch_event *event)
{
	int ret = 1;

	spin_lock_bh(&w->lock);
	if (w->head != w->tail) {
		*event = w->ring[w->tail++ % VSW_EVENT_RING];
	} else if (w->lost) {
		*event = (struct vswitch_event) {
			.kind = VSWITCH_EVENT_LOST,
			.port = VSWITCH_PORT_NONE,
			.value = w->lost,
			.time_ns = ktime_get_ns(),
		};
		w->lost = 0;
	} else {
		ret = w->ended ? 0 : -EAGAIN;
	}
	spin_unlock_bh(&w->lock);
	return ret;
}

static bool vsw_watcher_ready(struct vsw_watcher *w)
{
	return READ_ONCE(w->head) != READ_ONCE(w->tail) || READ_ONCE(w->lost) ||
	       READ_ONCE(w->ended);
}

static ssize_t vsw_event_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	struct vsw_watcher *w = file->private_data;
	struct vswitch_event event;
	size_t done = 0;
	int ret;

	if (len < sizeof(event))
		return -EINVAL;
	/* Whoever holds it may be asleep in here until something happens. */
	if (file->f_flags & O_NONBLOCK) {
		if (!mutex_trylock(&w->read))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&w->read)) {
		return -EINTR;
	}
	for (;;) {
		ret = vsw_watcher_get(w, &event);
		if (ret > 0) {
			if (copy_to_user(to + done, &event, sizeof(event))) {
				ret = -EFAULT;
				break;
			}
			done += sizeof(event);
			if (len - done < sizeof(event))
				break;
			continue;
		}
		if (!ret || done || file->f_flags & O_NONBLOCK)
			break;
		ret = wait_event_interruptible(w->wait, vsw_watcher_ready(w));
		if (ret)
			break;
	}
	mutex_unlock(&w->read);
	return done ?: ret;
}

static __poll_t vsw_event_poll(struct file *file, poll_table *table)
{
	struct vsw_watcher *w = file->private_data;

	poll_wait(file, &w->wait, table);
	return vsw_watcher_ready(w) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int vsw_event_release(struct inode *inode, struct file *file)
{
	struct vsw_watcher *w = file->private_data;

	rtnl_lock();
	vsw_watcher_unlink(w);
	rtnl_unlock();
	kvfree_rcu(w, rcu);
	return 0;
}

static const struct file_operations vsw_event_fops = {
	.owner = THIS_MODULE,
	.read = vsw_event_read,
	.poll = vsw_event_poll,
	.release = vsw_event_release,
	.llseek = noop_llseek,
};

/**
 * vsw_event_open() - watch a switch
 * @sw: the switch
 * @mask: bit N asks for kind N
 *
 * Context: RTNL.
 * Return: the file, or an error pointer.
 */
struct file *vsw_event_open(struct vsw_switch *sw, u32 mask)
{
	struct vsw_watcher *w;
	struct file *file;

	ASSERT_RTNL();
	if (sw->nr_watchers >= VSW_MAX_WATCHERS)
		return ERR_PTR(-ENOSPC);
	w = kvzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	if (!w)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&w->lock);
	mutex_init(&w->read);
	init_waitqueue_head(&w->wait);
	w->mask = mask;
	file = anon_inode_getfile("[vswitch-events]", &vsw_event_fops, w, O_RDONLY);
	if (IS_ERR(file)) {
		kvfree(w);
		return file;
	}
	w->sw = sw;
	list_add_tail_rcu(&w->list, &sw->watchers);
	sw->nr_watchers++;
	static_branch_inc(&vsw_event_key);
	return file;
}
