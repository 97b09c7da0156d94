// SPDX-License-Identifier: GPL-2.0
/*
 * Disks in memory: pages by index, made by the first write, freed by discard.
 *
 * A reader finds a page under RCU and copies within the read section; a page
 * that is discarded leaves the array first and is freed after a grace period. A
 * write that meets a discard of the same sectors may come before it: who sends
 * both at a time has no right to either outcome.
 */

#include <linux/highmem.h>

#include "disk.h"

static void free_page_rcu(struct rcu_head *head)
{
	__free_page(container_of(head, struct page, rcu_head));
}

static void drop(struct vb_disk *disk, unsigned long index)
{
	struct page *page = xa_erase(&disk->ram, index);

	if (page) {
		atomic64_dec(&disk->ram_pages);
		call_rcu(&page->rcu_head, free_page_rcu);
	}
}

/* Free the pages first to last. */
static void drop_range(struct vb_disk *disk, unsigned long first, unsigned long last)
{
	unsigned long index;
	struct page *page;

	xa_for_each_range(&disk->ram, index, page, first, last) {
		drop(disk, index);
		cond_resched();
	}
}

/* A page for @index, if there is none yet. */
static int fill(struct vb_disk *disk, unsigned long index, gfp_t gfp)
{
	struct page *page = alloc_page(gfp | __GFP_ZERO | __GFP_NOWARN);
	int ret;

	if (!page)
		return -ENOMEM;
	ret = xa_insert(&disk->ram, index, page, gfp | __GFP_NOWARN);
	if (!ret) {
		atomic64_inc(&disk->ram_pages);
		return 0;
	}
	__free_page(page);
	return ret == -EBUSY ? 0 : ret;
}

static int write_part(struct vb_disk *disk, u64 pos, const void *from, unsigned int len,
		      gfp_t gfp)
{
	unsigned long index = pos >> PAGE_SHIFT;
	struct page *page;
	int ret;

	for (;;) {
		rcu_read_lock();
		page = xa_load(&disk->ram, index);
		if (likely(page)) {
			memcpy(page_address(page) + offset_in_page(pos), from, len);
			rcu_read_unlock();
			return 0;
		}
		rcu_read_unlock();
		ret = fill(disk, index, gfp);
		if (ret)
			return ret;
	}
}

static void read_part(struct vb_disk *disk, u64 pos, void *to, unsigned int len)
{
	struct page *page;

	rcu_read_lock();
	page = xa_load(&disk->ram, pos >> PAGE_SHIFT);
	if (likely(page))
		memcpy(to, page_address(page) + offset_in_page(pos), len);
	else
		memset(to, 0, len);
	rcu_read_unlock();
}

static void zero_part(struct vb_disk *disk, u64 pos, unsigned int len)
{
	struct page *page;

	rcu_read_lock();
	page = xa_load(&disk->ram, pos >> PAGE_SHIFT);
	if (page)
		memset(page_address(page) + offset_in_page(pos), 0, len);
	rcu_read_unlock();
}

/* What is not there reads as zeroes: free whole pages, clear the rest. */
static void zero(struct vb_disk *disk, u64 pos, u64 len)
{
	u64 end = pos + len;
	u64 first = round_up(pos, PAGE_SIZE), last = round_down(end, PAGE_SIZE);

	if (first > last) {
		zero_part(disk, pos, len);
		return;
	}
	if (pos < first)
		zero_part(disk, pos, first - pos);
	if (first < last)
		drop_range(disk, first >> PAGE_SHIFT, (last >> PAGE_SHIFT) - 1);
	if (last < end)
		zero_part(disk, last, end - last);
}

/* GFP_NOWAIT for who cannot wait; without I/O for the others: this is a disk. */
static int copy(struct vb_disk *disk, struct bio *bio, u64 left)
{
	gfp_t gfp = bio->bi_opf & REQ_NOWAIT ? GFP_NOWAIT : GFP_NOIO;
	u64 pos = (u64)bio->bi_iter.bi_sector << SECTOR_SHIFT;
	bool write = op_is_write(bio_op(bio));
	struct bvec_iter iter;
	struct bio_vec bv;
	int ret = 0;

	bio_for_each_segment(bv, bio, iter) {
		unsigned int in = 0, len = min_t(u64, bv.bv_len, left);
		u8 *p = bvec_kmap_local(&bv);

		while (in < len && !ret) {
			unsigned int n = min_t(unsigned int, len - in,
					       PAGE_SIZE - offset_in_page(pos));

			if (write)
				ret = write_part(disk, pos, p + in, n, gfp);
			else
				read_part(disk, pos, p + in, n);
			pos += n;
			in += n;
		}
		kunmap_local(p);
		left -= len;
		if (ret || !left)
			break;
	}
	if (!write)
		bio_for_each_segment(bv, bio, iter)
			flush_dcache_page(bv.bv_page);
	return ret;
}

static void ram_submit(struct vb_disk *disk, struct bio *bio, unsigned int torn, u64 start)
{
	int ret = 0;

	switch (bio_op(bio)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		ret = copy(disk, bio, torn ?: U64_MAX);
		/* Who would not wait may try again, and wait. */
		if (ret && bio->bi_opf & REQ_NOWAIT)
			ret = -EAGAIN;
		else if (torn)
			ret = -EIO;
		break;
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		zero(disk, (u64)bio->bi_iter.bi_sector << SECTOR_SHIFT, bio->bi_iter.bi_size);
		break;
	default:
		ret = -EOPNOTSUPP;
	}
	vb_bio_end(disk, bio, start, errno_to_blk_status(ret));
}

static int ram_init(struct vb_disk *disk, struct vb_msg *msg)
{
	struct compat_limits lim = {
		.logical = disk->sector_size,
		.physical = PAGE_SIZE,
		.max_sectors = SZ_1M >> SECTOR_SHIFT,
		.max_segments = BIO_MAX_VECS,
		.dma_mask = SECTOR_SIZE - 1,
		.discard_granularity = PAGE_SIZE,
		/* Freed one by one: not so many that somebody waits long. */
		.discard_sectors = SZ_1G >> SECTOR_SHIFT,
		.zeroes_sectors = SZ_1G >> SECTOR_SHIFT,
		.nowait = true,
	};
	struct gendisk *gd;

	if (vb_rdonly(disk)) {
		lim.discard_sectors = 0;
		lim.zeroes_sectors = 0;
	}
	gd = compat_alloc_bio_disk(&lim);
	if (IS_ERR(gd))
		return PTR_ERR(gd);
	gd->fops = &vb_bio_fops;
	disk->gd = gd;
	return 0;
}

static void ram_exit(struct vb_disk *disk)
{
	unsigned long index;
	struct page *page;

	/* No readers are left: no grace period. */
	xa_for_each(&disk->ram, index, page) {
		__free_page(page);
		cond_resched();
	}
	xa_destroy(&disk->ram);
}

static u64 ram_allocated(struct vb_disk *disk)
{
	return (u64)atomic64_read(&disk->ram_pages) << PAGE_SHIFT;
}

static void ram_shrunk(struct vb_disk *disk)
{
	u64 end = round_up(disk->bytes, PAGE_SIZE);

	if (disk->bytes < end)
		zero_part(disk, disk->bytes, end - disk->bytes);
	drop_range(disk, end >> PAGE_SHIFT, ULONG_MAX);
}

const struct vb_kind vb_ram_kind = {
	.init = ram_init,
	.exit = ram_exit,
	.submit = ram_submit,
	.allocated = ram_allocated,
	.shrunk = ram_shrunk,
};
