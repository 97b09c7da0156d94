/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VB_FAULT_H
#define VB_FAULT_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <virtlite/vblk.h>

struct bio;
struct request;
struct vb_disk;
struct vb_fault_rule;

/**
 * struct vb_faults - what goes wrong on a disk because somebody asked for it
 * @rule: the present one or NULL; replaced under the disk's lock
 * @lock: protects the rest
 * @dead: the disk goes: nothing is delayed any more
 * @delayed: I/O that is being held up
 */
struct vb_faults {
	struct vb_fault_rule __rcu *rule;
	spinlock_t lock;	/* see above */
	bool dead;
	struct list_head delayed;
};

/* What is to happen to one request: a kind, and what that kind needs. */
struct vb_verdict {
	u32 kind;
	int error;
	u64 delay;
	u32 torn;
};

void vb_fault_init(struct vb_disk *disk);
void vb_fault_kill(struct vb_disk *disk);
void vb_fault_exit(struct vb_disk *disk);
int vb_fault_set(struct vb_disk *disk, struct vblk_fault *f);
void vb_fault_judge(struct vb_disk *disk, unsigned int op, sector_t sector, unsigned int bytes,
		    struct vb_verdict *v);
bool vb_fault_delay(struct vb_disk *disk, u64 delay, struct bio *bio, struct request *rq,
		    u64 start);

#endif
