/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VB_GATE_H
#define VB_GATE_H

#include <linux/bio.h>
#include <linux/hrtimer.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <virtlite/vblk.h>

#include "bucket.h"

struct request;
struct vb_disk;

/**
 * struct vb_gate - where what exceeds the limits of a disk waits
 * @lock: protects all but @timer, @work and @wq. Nothing is called under it
 * @dead: the disk goes: nobody waits any more
 * @iops: requests
 * @bps: bytes
 * @bios: waiting, first come first served, on a bio-based disk
 * @rqs: the same for requests, by their queuelist
 * @timer: when the first of them may go; queues @work
 * @work: lets go who may
 * @wq: the disk's, for all of its work; it never depends on another disk's
 */
struct vb_gate {
	spinlock_t lock;	/* see above */
	bool dead;
	struct vb_bucket iops;
	struct vb_bucket bps;
	struct bio_list bios;
	struct list_head rqs;
	struct hrtimer timer;
	struct work_struct work;
	struct workqueue_struct *wq;
};

int vb_gate_init(struct vb_disk *disk);
void vb_gate_kill(struct vb_disk *disk);
void vb_gate_exit(struct vb_disk *disk);
bool vb_gate_keep_bio(struct vb_disk *disk, struct bio *bio);
bool vb_gate_keep_rq(struct vb_disk *disk, struct request *rq);
int vb_gate_limits(struct vb_disk *disk, struct vblk_limits *l);

#endif
