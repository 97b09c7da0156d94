/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VB_MQ_H
#define VB_MQ_H

#include <linux/blk-mq.h>
#include <linux/fs.h>
#include <linux/llist.h>
#include <linux/mempool.h>
#include <linux/workqueue.h>

#include "attribution.h"
#include "compat_blk.h"
#include "disk.h"

#define VB_MAX_SEGMENTS 256

/* What a hardware queue hands to a worker as a whole. */
struct vb_batch {
	struct vb_disk *disk;
	struct llist_head list;
	struct work_struct work;
};

/**
 * struct vb_mq - a disk with requests that go to a file
 * @set: its tags
 * @file: the backing's
 * @direct: the page cache is not used
 * @nowait: the file can say that it would block
 * @vecs: arrays of VB_MAX_SEGMENTS for requests of several bios
 * @batch: one for each hardware queue
 */
struct vb_mq {
	struct blk_mq_tag_set set;
	struct file *file;
	bool direct;
	bool nowait;
	mempool_t vecs;
	struct vb_batch *batch;
};

/**
 * struct vb_cmd - the driver's part of a request
 * @node: in a batch
 * @work: when it is a worker's alone
 * @iocb: towards the file
 * @vec: from vb_mq::vecs or NULL
 * @payer: while it is a worker's
 * @start: when it passed the limits
 * @ret: the file's answer
 * @pos: where in the file it goes
 * @want: bytes that make it complete
 * @torn: bytes to write before failing, or 0
 * @refs: the submission and the completion of @iocb: the latter may come first
 * @section: image: of the image's SRCU that it is in, or -1
 * @nowait: it is submitted so that it cannot block
 * @frozen: it holds off freezing of the file system
 * @status: what it ends with
 */
struct vb_cmd {
	struct llist_node node;
	struct work_struct work;
	struct kiocb iocb;
	struct bio_vec *vec;
	struct vb_payer payer;
	u64 start;
	u64 pos;
	long ret;
	unsigned int want;
	unsigned int torn;
	atomic_t refs;
	int section;
	bool nowait;
	bool frozen;
	blk_status_t status;
};

/* Why a worker has a request; the tracepoint knows the words. */
enum vb_why {
	VB_WHY_KIND,
	VB_WHY_SUBMITTER,
	VB_WHY_BLOCKS,
	VB_WHY_MAP,
};

static inline struct vb_disk *vb_rq_disk(struct request *rq)
{
	return rq->q->queuedata;
}

/* What a worker is while it works for a disk. */
struct vb_worker {
	unsigned int flags;
	unsigned int noio;
};

void vb_worker_begin(struct vb_worker *w);
void vb_worker_end(const struct vb_worker *w);

int vb_mq_init(struct vb_disk *disk, struct file *file, const struct compat_limits *lim);
void vb_mq_exit(struct vb_disk *disk);
void vb_rq_hand(struct vb_disk *disk, struct request *rq, enum vb_why why);
void vb_rq_done(struct request *rq, blk_status_t status);

/* transfer.c */
bool vb_rq_lost(struct vb_disk *disk, struct request *rq);
void vb_transfer(struct vb_disk *disk, struct request *rq, bool nowait);
bool vb_gather(struct vb_mq *f, struct request *rq, struct iov_iter *iter, gfp_t gfp);

#endif
