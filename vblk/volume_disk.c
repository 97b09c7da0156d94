// SPDX-License-Identifier: GPL-2.0
/*
 * Disks on volumes of an image. A request all of whose clusters lie in a row, and may
 * be written in place if it is a write, goes to the file as it is, as with a raw disk;
 * redirect.c does the rest.
 */

#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uio.h>

#include "backing.h"
#include "image.h"
#include "mq.h"

/* The section may end in an interrupt: to sparse it looks as if it ended here. */
static void enter(struct vb_disk *disk, struct vb_cmd *cmd)
{
	cmd->section = __srcu_read_lock(&disk->image->srcu);
	__release(&disk->image->srcu);
}

static void volume_leave(struct vb_disk *disk, struct vb_cmd *cmd)
{
	if (cmd->section < 0)
		return;
	__acquire(&disk->image->srcu);
	__srcu_read_unlock(&disk->image->srcu, cmd->section);
	cmd->section = -1;
}

enum way {
	WAY_ZEROES,	/* a read of holes only */
	WAY_STRAIGHT,	/* all in one place, which is in the vb_cmd */
	WAY_ROUND,	/* another */
};

/* What is to be done with a request, by what of the map is in memory. In a section. */
static enum way look(struct vb_disk *disk, struct request *rq)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	u64 pos = (u64)blk_rq_pos(rq) << SECTOR_SHIFT, bytes = blk_rq_bytes(rq);
	struct vb_vol *vol = disk->vol;
	struct vb_tree *t = &vol->tree;
	u32 shift = vol->im->super.cluster_shift;
	u64 first = pos >> shift, last = (pos + bytes - 1) >> shift, leaf;
	bool write = rq_data_dir(rq) == WRITE;
	struct vb_entry e, f;
	enum way way = WAY_ROUND;

	spin_lock(&t->lock);
	if (write && (vol->frozen || vb_image_rdonly(vol->im) ||
		      vb_span_meets(vol, first, last)))
		goto out;
	if (vb_tree_peek(t, first, &e) || (write && (!e.block || e.birth <= vol->inplace)))
		goto out;
	for (leaf = first + 1; leaf <= last; leaf++) {
		if (vb_tree_peek(t, leaf, &f) || !f.block != !e.block)
			goto out;
		if (e.block && f.block != e.block + (leaf - first) * vb_cluster_blocks(vol->im))
			goto out;
		if (write && f.birth <= vol->inplace)
			goto out;
	}
	way = e.block ? WAY_STRAIGHT : WAY_ZEROES;
	cmd->pos = e.block * VB_BLOCK + (pos & ((1ULL << shift) - 1));
out:
	spin_unlock(&t->lock);
	return way;
}

static void zeroes(struct request *rq)
{
	struct req_iterator it;
	struct bio_vec bv;

	rq_for_each_segment(bv, rq, it)
		memzero_bvec(&bv);
	vb_rq_done(rq, BLK_STS_OK);
}

static void volume_try(struct vb_disk *disk, struct request *rq)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);

	enter(disk, cmd);
	switch (look(disk, rq)) {
	case WAY_STRAIGHT:
		vb_transfer(disk, rq, true);
		return;
	case WAY_ZEROES:
		volume_leave(disk, cmd);
		zeroes(rq);
		return;
	default:
		volume_leave(disk, cmd);
		vb_rq_hand(disk, rq, VB_WHY_MAP);
	}
}

/* To the user -EROFS of a volume that was writable is an error of the image. */
static void end(struct request *rq, int ret)
{
	vb_rq_done(rq, errno_to_blk_status(ret == -EROFS || ret == -EUCLEAN ? -EIO : ret));
}

static void round_about(struct vb_disk *disk, struct request *rq)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	u64 pos = (u64)blk_rq_pos(rq) << SECTOR_SHIFT, bytes = blk_rq_bytes(rq);
	struct iov_iter iter;
	int ret;

	if (!vb_gather(disk->mq, rq, &iter, GFP_NOIO)) {
		end(rq, -ENOMEM);
	} else if (rq_data_dir(rq) == READ) {
		enter(disk, cmd);
		ret = vb_vol_read(disk->vol, pos, bytes, &iter);
		volume_leave(disk, cmd);
		end(rq, ret);
	} else {
		if (cmd->torn)
			bytes = min_t(u64, bytes, cmd->torn);
		iov_iter_truncate(&iter, bytes);
		ret = vb_vol_write(disk->vol, pos, bytes, &iter);
		end(rq, ret ?: cmd->torn ? -EIO : 0);
	}
}

struct flush {
	struct vb_waiter waiter;
	struct request *rq;
};

static void flushed(struct vb_waiter *w, int error)
{
	struct flush *f = container_of(w, struct flush, waiter);
	struct request *rq = f->rq;

	kfree(f);
	end(rq, error);
}

static void flush(struct vb_disk *disk, struct request *rq)
{
	struct flush *f = kzalloc(sizeof(*f), GFP_NOIO | __GFP_NOWARN);

	if (!f) {
		end(rq, vb_commit_wait(disk->image, false));
		return;
	}
	f->rq = rq;
	f->waiter.done = flushed;
	vb_commit_wait_async(disk->image, &f->waiter);
}

static void volume_work(struct vb_disk *disk, struct request *rq)
{
	struct vb_cmd *cmd = blk_mq_rq_to_pdu(rq);
	u64 pos = (u64)blk_rq_pos(rq) << SECTOR_SHIFT, bytes = blk_rq_bytes(rq);

	switch (req_op(rq)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		enter(disk, cmd);
		if (look(disk, rq) == WAY_STRAIGHT) {
			vb_transfer(disk, rq, false);
			break;
		}
		volume_leave(disk, cmd);
		round_about(disk, rq);
		break;
	case REQ_OP_FLUSH:
		flush(disk, rq);
		break;
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		end(rq, vb_vol_discard(disk->vol, pos, bytes, req_op(rq) != REQ_OP_DISCARD));
		break;
	default:
		end(rq, -EOPNOTSUPP);
	}
}

/**
 * vb_volume_open() - find what a disk on a volume is to be on
 * @disk: new
 * @a: from the user: an image's fd, a number
 * @msg: what was wrong
 *
 * Return: 0 or a negative errno.
 */
int vb_volume_open(struct vb_disk *disk, const struct vblk_attach *a, struct vb_msg *msg)
{
	struct vb_image *im = vb_image_of_fd(a->fd, !vb_rdonly(disk));
	struct vb_vol *vol;
	int ret = -ENOENT;

	if (IS_ERR(im)) {
		vb_say(msg, PTR_ERR(im) == -EROFS ? "the image's fd is for reading only" :
		       "the fd is not an image's");
		return PTR_ERR(im);
	}
	mutex_lock(&im->admin);
	/* One that is being deleted goes under im->change alone. */
	down_read(&im->change);
	vol = vb_vol_find(im, a->volume);
	if (vol && (vol->rec.state == VB_VOLUME_HIDDEN || vol->rec.state == VB_VOLUME_DELETED))
		vol = NULL;
	up_read(&im->change);
	if (!vol) {
		vb_say(msg, "the image has no volume %u", a->volume);
		goto err;
	}
	ret = -EBUSY;
	if (vol->disk) {
		vb_say(msg, "the volume is vblk%d already", vol->disk->id);
		goto err;
	}
	ret = -EROFS;
	if (!vb_rdonly(disk) && (vb_image_rdonly(im) || vol->rec.state != VB_VOLUME_LIVE)) {
		vb_say(msg, vol->rec.state == VB_VOLUME_LIVE ? "the image is read-only" :
		       "a snapshot is read-only");
		goto err;
	}
	ret = -EINVAL;
	if (!disk->sector_size)
		disk->sector_size = vol->rec.size % im->sector_size ? SECTOR_SIZE :
				    im->sector_size;
	if (disk->sector_size < im->sector_size || vol->rec.size % disk->sector_size) {
		vb_say(msg, "sectors of %u bytes do not fit the volume or the image's backing",
		       disk->sector_size);
		goto err;
	}
	disk->flags |= im->flags & (VBLK_ATTACH_DIRECT | VBLK_ATTACH_BUFFERED);
	disk->bytes = vol->rec.size;
	disk->depth = im->depth;
	disk->image = im;
	disk->vol = vol;
	disk->kind = &vb_volume_kind;
	vol->disk = disk;
	spin_lock(&im->waiting_lock);
	list_add(&disk->image_link, &im->disks);
	spin_unlock(&im->waiting_lock);
	mutex_unlock(&im->admin);
	return 0;

err:
	mutex_unlock(&im->admin);
	vb_image_put(im);
	return ret;
}

/**
 * vb_volume_close() - the other end of vb_volume_open()
 * @disk: without any I/O left
 */
void vb_volume_close(struct vb_disk *disk)
{
	struct vb_image *im = disk->image;

	if (!im)
		return;
	mutex_lock(&im->admin);
	disk->vol->disk = NULL;
	mutex_unlock(&im->admin);
	spin_lock(&im->waiting_lock);
	list_del(&disk->image_link);
	spin_unlock(&im->waiting_lock);
	disk->image = NULL;
	disk->vol = NULL;
	vb_image_put(im);
}

static int volume_init(struct vb_disk *disk, struct vb_msg *msg)
{
	u32 cluster = 1U << disk->image->super.cluster_shift;
	struct compat_limits lim = {
		.logical = disk->sector_size,
		.physical = max_t(u32, disk->sector_size, VB_BLOCK),
		.io_opt = cluster,
		.max_sectors = SZ_1M >> SECTOR_SHIFT,
		.max_segments = VB_MAX_SEGMENTS,
		.dma_mask = disk->sector_size - 1,
		.write_cache = !vb_rdonly(disk),
		.no_fua = true,
	};

	if (!vb_rdonly(disk)) {
		lim.discard_granularity = cluster;
		lim.discard_sectors = SZ_1G >> SECTOR_SHIFT;
		lim.zeroes_sectors = SZ_1G >> SECTOR_SHIFT;
	}
	return vb_mq_init(disk, disk->image->backing->file, &lim);
}

static u64 volume_backing_bytes(struct vb_disk *disk)
{
	return i_size_read(disk->image->backing->file->f_mapping->host);
}

static u64 volume_allocated(struct vb_disk *disk)
{
	struct vb_image *im = disk->image;

	return (im->super.nr_blocks - READ_ONCE(im->space.free)) * VB_BLOCK;
}

const struct vb_kind vb_volume_kind = {
	.init = volume_init,
	.exit = vb_mq_exit,
	.rq_try = volume_try,
	.rq_work = volume_work,
	.leave = volume_leave,
	.backing_bytes = volume_backing_bytes,
	.allocated = volume_allocated,
};

struct resize {
	struct vb_vol *vol;
	u64 bytes;
};

static int do_resize(struct vb_image *im, void *arg)
{
	u32 shift = im->super.cluster_shift;
	struct resize *r = arg;
	int ret;

	ret = vb_tree_grow(&r->vol->tree, vb_tree_depth((r->bytes + (1ULL << shift) - 1) >> shift));
	if (!ret)
		r->vol->rec.size = r->bytes;
	vb_vol_changed(r->vol);
	return ret;
}

/* What a volume has from @pos on, up to @end, goes. */
struct cut {
	struct work_struct work;
	struct vb_vol *vol;
	u64 pos;
	u64 end;
	int ret;
};

static void cut_work(struct work_struct *work)
{
	struct cut *cut = container_of(work, struct cut, work);
	struct vb_worker w;

	vb_worker_begin(&w);
	cut->ret = vb_vol_cut(cut->vol, &cut->pos, cut->end);
	vb_worker_end(&w);
}

/*
 * Piece by piece, by the disk's workers, as all that waits for commits: the image's own
 * must always be free for those. Not by the caller, whose limits it would be under.
 */
static int cut_off(struct vb_disk *disk, u64 bytes)
{
	u64 size = 1ULL << disk->image->super.cluster_shift;
	struct cut cut = {
		.vol = disk->vol, .pos = bytes, .end = round_up(disk->vol->rec.size, size),
	};

	INIT_WORK_ONSTACK(&cut.work, cut_work);
	while (!cut.ret && cut.pos < cut.end) {
		queue_work(disk->gate.wq, &cut.work);
		flush_work(&cut.work);
		if (!cut.ret && fatal_signal_pending(current))
			cut.ret = -EINTR;
	}
	destroy_work_on_stack(&cut.work);
	return cut.ret;
}

/**
 * vb_volume_resize() - change the size of a volume
 * @disk: on it; if it shrinks, nobody has it open
 * @bytes: new size
 *
 * What is cut off is gone: if the volume grows again, that reads as zeroes. So does what
 * has been cut off when a fatal signal ends the call, which leaves the size as it was.
 *
 * Return: 0 or a negative errno.
 */
int vb_volume_resize(struct vb_disk *disk, u64 bytes)
{
	struct resize r = { .vol = disk->vol, .bytes = bytes };
	struct vb_op op = { .fn = do_resize, .arg = &r };
	int ret = 0;

	if (vb_image_rdonly(disk->image))
		return -EROFS;
	if (bytes < disk->vol->rec.size)
		ret = cut_off(disk, bytes);
	return ret ?: vb_commit(disk->image, &op) ?: op.ret;
}
