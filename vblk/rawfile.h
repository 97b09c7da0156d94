/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VB_RAWFILE_H
#define VB_RAWFILE_H

#include <linux/blk-mq.h>
#include <linux/fs.h>
#include <linux/llist.h>
#include <linux/mempool.h>
#include <linux/workqueue.h>

#include "attribution.h"
#include "disk.h"

#define VB_MAX_SEGMENTS 256

/* What a hardware queue hands to a worker as a whole. */
struct vb_batch {
	struct vb_disk *disk;
	struct llist_head list;
	struct work_struct work;
};

/**
 * struct vb_rawfile - a disk on a file
 * @set: its tags
 * @file: the backing's
 * @direct: the page cache is not used
 * @nowait: the file can say that it would block
 * @vecs: arrays of VB_MAX_SEGMENTS for requests of several bios
 * @batch: one for each hardware queue
 */
struct vb_rawfile {
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
 * @vec: from vb_rawfile::vecs or NULL
 * @payer: while it is a worker's
 * @start: when it passed the limits
 * @ret: the file's answer
 * @want: bytes that make it complete
 * @torn: bytes to write before failing, or 0
 * @refs: the submission and the completion of @iocb: the latter may come first
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
	long ret;
	unsigned int want;
	unsigned int torn;
	atomic_t refs;
	bool nowait;
	bool frozen;
	blk_status_t status;
};

#endif
