/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VB_DISK_H
#define VB_DISK_H

#include <linux/blkdev.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include <virtlite/vblk.h>

#include "compat_blk.h"
#include "fault.h"
#include "gate.h"
#include "stats.h"

#define VB_MAX_DISKS		4096
#define VB_MAX_DEPTH		8
#define VB_DEFAULT_QUEUE_DEPTH	128
#define VB_MAX_QUEUE_DEPTH	1024
#define VB_MAX_BYTES		BIT_ULL(60)

struct vb_backing;
struct vb_disk;
struct vb_image;
struct vb_vol;
struct vb_cmd;
struct vb_mq;

/* One line for the caller of a call that fails; see vb_say(). */
struct vb_msg {
	char text[160];
};

void vb_say(struct vb_msg *msg, const char *fmt, ...) __printf(2, 3);

/**
 * struct vb_kind - the three ways of being a disk
 * @init: set up what the kind needs, and @gd with its limits; the disk's
 *	backing, capacity, sector and flags are set. May sleep
 * @exit: undo it; no I/O is in flight, and none will come. May sleep
 * @submit: bio-based kinds: do it; if @torn is not 0 write only so many bytes
 *	and fail. It came at @start. Ends it with vb_bio_end(), sooner or later
 * @rq_try: kinds with requests: start a READ or WRITE without waiting, or hand it to
 *	a worker
 * @rq_work: do it, with all the time in the world. The caller is a worker
 * @leave: the file has answered, before the request ends or is handed to a worker;
 *	any context. NULL if there is nothing to do
 * @backing_bytes: present size of the backing, NULL if it has none
 * @allocated: bytes that it takes up, NULL if that makes no sense
 * @shrunk: the capacity has become smaller, nobody has the disk open; or NULL
 */
struct vb_kind {
	int (*init)(struct vb_disk *disk, struct vb_msg *msg);
	void (*exit)(struct vb_disk *disk);
	void (*submit)(struct vb_disk *disk, struct bio *bio, unsigned int torn, u64 start);
	void (*rq_try)(struct vb_disk *disk, struct request *rq);
	void (*rq_work)(struct vb_disk *disk, struct request *rq);
	void (*leave)(struct vb_disk *disk, struct vb_cmd *cmd);
	u64 (*backing_bytes)(struct vb_disk *disk);
	u64 (*allocated)(struct vb_disk *disk);
	void (*shrunk)(struct vb_disk *disk);
};

extern const struct vb_kind vb_ram_kind;
extern const struct vb_kind vb_remap_kind;
extern const struct vb_kind vb_rawfile_kind;

enum vb_state {
	VB_LIVE,	/* from before the node appears */
	VB_GOING,	/* a detach has decided to end it; nobody opens it any more */
};

/* Why an I/O must not take the short way. Set and cleared with vb_slow_*(). */
#define VB_SLOW_DEAD	0
#define VB_SLOW_RDONLY	1
#define VB_SLOW_LIMITS	2
#define VB_SLOW_FAULT	3

/**
 * struct vb_disk - a disk
 * @ref: held by the table while the disk is attached, by each call that works
 *	on it, and by @gd until its free_disk: openers may outlive a forced detach.
 *	Whoever drops the last one frees the memory; all else is gone by then,
 *	because the detach that took it out of the table has undone it
 * @id: N of vblkN
 * @seq: unique
 * @kind: what sort of disk
 * @flags: VBLK_ATTACH_*
 * @sector_size: bytes
 * @queue_depth: of each hardware queue, 0 if it has none
 * @offset: of the disk's beginning in the backing, bytes
 * @bytes: capacity; changes under @lock
 * @depth: vblk disks on top of one another, this one included
 * @slow: bits VB_SLOW_*: 0 lets an I/O take the short way with one look
 * @backing: NULL for memory
 * @gd: the gendisk
 * @stats: counters
 * @lock: serializes resize, limits, faults and the beginning of a detach
 * @state: changes under both @lock and gd->open_mutex, read under either
 * @closed: woken when somebody closes the disk
 * @inflight: bio-based: one for every bio that has left submit_bio()
 *	unfinished. The block layer does not count those
 * @idle: completed when @inflight is dead and zero
 * @gate: where I/O over the limits waits
 * @fault: what is to go wrong, and what is being delayed
 * @said: when an event of each type was last sent, see event.c
 * @ram: RAM: page by index; under its own lock, readers under RCU
 * @ram_pages: RAM: how many
 * @clones: remap: where the bios for the backing come from, one set for each disk
 *	because disks may be stacked
 * @mq: with requests: the rest
 * @image: image volume: where it is, referenced
 * @vol: image volume: which
 * @image_link: among the image's disks
 */
struct vb_disk {
	struct kref ref;
	int id;
	u64 seq;
	const struct vb_kind *kind;
	u32 flags;
	u32 sector_size;
	u32 queue_depth;
	u64 offset;
	u64 bytes;
	u32 depth;

	unsigned long slow;
	struct vb_backing *backing;
	struct gendisk *gd;
	struct vb_stats __percpu *stats;

	struct mutex lock;	/* see above; before gd->open_mutex */
	enum vb_state state;
	wait_queue_head_t closed;
	struct percpu_ref inflight;
	struct completion idle;

	struct vb_gate gate;
	struct vb_faults fault;
	unsigned long said[VBLK_EVENT_LOST + 1];

	struct xarray ram;
	atomic64_t ram_pages;
	struct bio_set clones;
	struct vb_mq *mq;
	struct vb_image *image;
	struct vb_vol *vol;
	struct list_head image_link;
};

static inline void vb_slow_set(struct vb_disk *disk, unsigned int bit, bool on)
{
	if (on)
		set_bit(bit, &disk->slow);
	else
		clear_bit(bit, &disk->slow);
}

static inline bool vb_is_mq(const struct vb_disk *disk)
{
	return disk->kind->rq_work;
}

static inline bool vb_rdonly(const struct vb_disk *disk)
{
	return disk->flags & VBLK_ATTACH_RDONLY;
}

extern const struct block_device_operations vb_bio_fops;
extern const struct block_device_operations vb_mq_fops;

struct vb_disk *vb_disk_alloc(void);
void vb_disk_put(struct vb_disk *disk);
struct vb_disk *vb_disk_get(int id, u64 seq);
struct vb_disk *vb_disk_next(int id);
int vb_disk_reserve(struct vb_disk *disk, int id);
void vb_disk_publish(struct vb_disk *disk);
void vb_disk_unpublish(struct vb_disk *disk);
unsigned int vb_disk_count(void);
unsigned int vb_disk_depth_below(struct gendisk *gd);
void vb_disks_exit(void);

int vb_attach(struct vblk_attach *a, struct vb_msg *msg);
int vb_detach(const struct vblk_detach *d, struct vb_msg *msg);
int vb_resize(struct vblk_resize *r, struct vb_msg *msg);
int vb_query(struct vblk_query *q);

/* bio.c: a bio that has passed the limits, and one that is ended unseen. */
void vb_bio_submit(struct bio *bio);
void vb_bio_pass(struct vb_disk *disk, struct bio *bio);
void vb_bio_fail(struct vb_disk *disk, struct bio *bio, blk_status_t status);
void vb_bio_end(struct vb_disk *disk, struct bio *bio, u64 start, blk_status_t status);

/* mq.c: the same for requests. */
void vb_rq_pass(struct vb_disk *disk, struct request *rq);
void vb_rq_go(struct vb_disk *disk, struct request *rq, unsigned int torn);
void vb_rq_fail(struct vb_disk *disk, struct request *rq, blk_status_t status);

#endif
