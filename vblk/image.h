/* SPDX-License-Identifier: GPL-2.0 */
/* An image that is open: its trees, its space, its volumes. */
#ifndef VB_IMAGE_H
#define VB_IMAGE_H

#include <linux/bvec.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "disk.h"
#include "format.h"
#include "region.h"

#define VB_LOAD_LOCKS	64
/* Up to 2^40 clusters in a tree of depth 5, and what a block device may have. */
#define VB_MAX_VOLUME_BYTES	BIT_ULL(52)
#define VB_OUT_BLOCKS	64
/* Marks in vb_image::volumes. */
#define VB_CHANGED	XA_MARK_0
#define VB_READY	XA_MARK_1
/* For the little memory that a commit, or a look at the map, cannot do without. */
#define VB_GFP_SURE	(GFP_NOIO | __GFP_NOFAIL)
/* Blocks that a commit may need apart from nodes of volumes. */
#define VB_COMMIT_SLACK	24

struct vb_image;

/**
 * struct vb_node - a block of a tree in memory
 * @tree: whose
 * @level: 1 for those whose entries are leaves; 0 for a leaf that is a block
 * @index: which one of that level
 * @where: its place in the image as of the last commit; a hole if it has none
 * @data: VB_BLOCK bytes, as in the image
 * @refs: who uses it; under tree->lock
 * @dirty: changed since the last commit; so are all nodes above it then
 * @used: since the cache last thought of evicting it
 * @lru: in the image's cache; under cache_lock
 * @link: among the tree's dirty nodes of its level; under tree->lock
 *
 * Belongs to the cache. Evicted when it is neither referenced nor dirty.
 */
struct vb_node {
	struct vb_tree *tree;
	u8 level;
	u64 index;
	struct vb_entry where;
	__le64 *data;
	int refs;
	bool dirty;
	bool used;
	struct list_head lru;
	struct list_head link;
};

/**
 * struct vb_tree - a volume's map, the table of volumes, the bitmap
 * @im: image
 * @lock: protects the entries in nodes, @root, @depth, references and dirtiness; of
 *	a volume also its spans and whether it is frozen. Nothing is called under it
 * @root: entry of the root
 * @depth: of the tree
 * @bottom: lowest level whose blocks are nodes here
 * @target: what leaves are
 * @nodes: of each level, by index
 * @dirty: of each level
 */
struct vb_tree {
	struct vb_image *im;
	spinlock_t lock;	/* see above */
	struct vb_entry root;
	u8 depth;
	u8 bottom;
	enum vb_target target;
	struct xarray nodes[VB_TREE_MAX_DEPTH + 1];
	struct list_head dirty[VB_TREE_MAX_DEPTH + 1];
};

/* Clusters of a volume that one request has for itself; under tree.lock. */
struct vb_span {
	struct list_head node;
	u64 first;
	u64 last;
};

/**
 * struct vb_vol - a record of the table of volumes, in memory
 * @im: image
 * @rec: the record; changes with im->change held for writing
 * @tree: its map; tree.root and tree.depth are what counts, not @rec's
 * @changed: it is to be looked at by the next commit; with VB_CHANGED in im->volumes
 * @gone: it has been deleted; goes when that is durable
 * @disk: that it is attached as, or NULL; under im->admin
 * @link: among those that are being deleted; im->change
 * @watchers: those of them that are compared with this one; im->change
 * @watch: among the watchers of another
 * @awaited: latest @taken of watchers whose walk has not begun; im->change
 * @walk_at: of those: up to which leaf it is done, as memory has it; im->change
 * @own: births up to this are another's, as memory has it; im->change
 * @inplace: only births later than this are written in place; under tree.lock
 * @frozen: no write in place begins; under tree.lock
 * @stopped: a snapshot is being taken: @inplace stays as it is until that is durable,
 *	whatever else is committed meanwhile; im->change
 * @spans: clusters that somebody works on; under tree.lock
 * @wait: for spans and for @frozen
 */
struct vb_vol {
	struct vb_image *im;
	struct vb_volume rec;
	struct vb_tree tree;
	bool changed;
	bool gone;
	struct vb_disk *disk;
	struct list_head link;
	struct list_head watchers;
	struct list_head watch;
	u64 awaited;
	u64 walk_at;
	u64 own;
	u64 inplace;
	bool frozen;
	bool stopped;
	struct list_head spans;
	wait_queue_head_t wait;
};

/**
 * struct vb_region - a leaf of the bitmap in memory; all under space.lock
 * @index: which
 * @avail: blocks that may be given out
 * @out: blocks that are given out, and neither used nor cancelled yet
 * @refs: who looks at it
 * @used: since the cache last thought of evicting it
 * @dirty: in space.dirty
 * @given: in space.given
 * @lru: in space.lru
 * @dirty_link: see @dirty
 * @given_link: see @given
 * @bits: of its blocks
 *
 * Evicted when nothing of it is under way: neither @out, @refs, @dirty nor @given.
 */
struct vb_region {
	u64 index;
	u32 avail;
	u32 out;
	int refs;
	bool used;
	bool dirty;
	bool given;
	struct list_head lru;
	struct list_head dirty_link;
	struct list_head given_link;
	struct vb_bits bits;
};

/**
 * struct vb_space - which blocks are in use
 * @lock: protects the regions' bits and all that follows but @load and the log
 * @load: one region is loaded at a time; also protects @folded
 * @regions: those that are loaded
 * @lru: those, the one used last first
 * @nr_loaded: how many
 * @max_loaded: how many at most, but for those that something is under way in
 * @nr_regions: of the image
 * @touched: a bit for each region that the log has a record of, or had; im->change
 * @nr_touched: how many
 * @folded: of those, whose leaf is newer than the log; NULL but during a fold, and after
 *	one that failed
 * @free: blocks that nothing uses, as memory has it
 * @avail: blocks that may be given out
 * @promised: blocks that the next commit will need for nodes that are dirty, and
 *	for those that requests under way will make so
 * @data_at: region that was good for data last; data goes up from the beginning
 * @meta_at: for metadata, which goes down from the end
 * @clusters: a bit for each region that may have a free cluster; the others have none, as
 *	was seen, and need not be loaded to know it. Set when something comes free there
 * @blocks: the same of a free block
 * @dirty_nodes: those of @promised that are dirty
 * @low: below the mark, and this has been told
 * @dirty: regions with changes since the last commit
 * @nr_dirty: how many
 * @given: regions with blocks to be released
 * @log: records since the bitmap was written, the oldest first; im->change
 * @nr_log: how many
 * @log_blocks: the blocks that they are in, the oldest first; im->change
 * @nr_blocks: how many
 */
struct vb_space {
	spinlock_t lock;	/* see above */
	struct mutex load;	/* see above */
	struct xarray regions;
	struct list_head lru;
	unsigned long nr_loaded;
	unsigned long max_loaded;
	u64 nr_regions;
	unsigned long *touched;
	unsigned long nr_touched;
	unsigned long *folded;
	u64 free;
	u64 avail;
	u64 promised;
	u64 data_at;
	u64 meta_at;
	unsigned long *clusters;
	unsigned long *blocks;
	u64 dirty_nodes;
	bool low;
	struct list_head dirty;
	unsigned long nr_dirty;
	struct list_head given;
	u64 *log;
	u32 nr_log;
	struct vb_log_block {
		struct vb_entry where;
		u32 records;
	} log_blocks[VB_LOG_MAX_BLOCKS];
	u32 nr_blocks;
};

/**
 * struct vb_image - an open image
 * @ref: held by each fd of the image and each disk on one of its volumes
 * @node: in the table of images
 * @key: what it is found by there
 * @busy: it is being opened or closed; under the table's lock
 * @backing: the file or block device
 * @flags: VBLK_ATTACH_RDONLY, _BUFFERED, _DIRECT
 * @sector_size: smallest that the backing can do
 * @depth: vblk disks on top of one another, one on this image included
 * @error: it can be read only, because of this; 0 if all is well
 * @super: the last that is durable
 * @next: the one that is being written, or will be: its epoch is always the next one
 * @srcu: whoever reads a cluster, or writes one in place, is in a section from
 *	before he looks at the map until the file has answered
 * @admin: serializes changes of the set of volumes, and who is attached
 * @committing: serializes commits, up to the release of what they gave up
 * @change: held for reading while a map changes, for writing while a commit
 *	collects and writes
 * @changed: there is something to commit
 * @table: volumes
 * @bitmap: space
 * @volumes: in memory, by number; with VB_CHANGED if the next commit is to look at
 *	it, with VB_READY if it is the turn of one that is being deleted
 * @deleting: those of state 4 that are not done; im->change
 * @walking: the one of them that has been begun, or NULL; im->change
 * @next_volume: lowest number that no volume has had; im->change
 * @nr_volumes: records in use; im->change
 * @space: see there
 * @load: who loads a node, by a hash of what it is
 * @cache_lock: protects the cache; a tree's lock is taken under it
 * @cache: nodes in memory
 * @nr_cached: how many
 * @max_cached: how many at most, but for those that are dirty
 * @caches: among all images, for the shrinker
 * @clusters: buffers of a cluster's size, for writes to a part of one
 * @out: blocks that are waiting to be written together, by the commit
 * @wq: for commits, deletes and what callers have done for them
 * @commit_work: commits when a second has passed, or somebody waits
 * @delete_work: works on what is being deleted
 * @deleted: woken when it has done a step
 * @waiting_lock: protects @waiting and @disks
 * @waiting: for the next commit
 * @disks: on volumes of the image, by their image_link
 * @ops: an operation was part of the commit: who may write in place has changed
 * @closing: no new work
 */
struct vb_image {
	struct kref ref;
	struct list_head node;
	const void *key;
	bool busy;
	struct vb_backing *backing;
	u32 flags;
	u32 sector_size;
	u32 depth;
	int error;
	struct vb_super super;
	struct vb_super next;
	struct srcu_struct srcu;
	struct mutex admin;		/* see above */
	struct mutex committing;	/* see above */
	struct rw_semaphore change;
	bool changed;
	struct vb_tree table;
	struct vb_tree bitmap;
	struct xarray volumes;
	struct list_head deleting;
	struct vb_vol *walking;
	u32 next_volume;
	u32 nr_volumes;
	struct vb_space space;
	struct mutex load[VB_LOAD_LOCKS];	/* see above */
	spinlock_t cache_lock;		/* see above */
	struct list_head cache;
	unsigned long nr_cached;
	unsigned long max_cached;
	struct list_head caches;
	mempool_t clusters;
	struct vb_out {
		u64 block;
		unsigned int nr;
		struct page *pages[VB_OUT_BLOCKS];
	} out;
	struct workqueue_struct *wq;
	struct delayed_work commit_work;
	struct work_struct delete_work;
	wait_queue_head_t deleted;
	spinlock_t waiting_lock;	/* see above */
	struct list_head waiting;
	struct list_head disks;
	bool ops;
	bool closing;
};

/* Somebody who waits for a commit. */
struct vb_waiter {
	struct list_head node;
	bool released;	/* also for the release of what it gives up */
	void (*done)(struct vb_waiter *w, int error);
};

/* What is to be part of a commit: called by a worker, when all maps are written. */
struct vb_op {
	int (*fn)(struct vb_image *im, void *arg);
	void *arg;
	int ret;
};

static inline u32 vb_cluster_blocks(const struct vb_image *im)
{
	return 1U << (im->super.cluster_shift - 12);
}

static inline bool vb_image_rdonly(const struct vb_image *im)
{
	return im->flags & VBLK_ATTACH_RDONLY || READ_ONCE(im->error);
}

/* image.c */
struct vb_image *vb_image_open(struct vblk_image_open *o, struct vb_msg *msg);
void vb_image_get(struct vb_image *im);
void vb_image_put(struct vb_image *im);
void vb_image_fail(struct vb_image *im, int error, const char *what);
void vb_image_event(struct vb_image *im, u32 type, u64 arg);

/* image_fd.c */
struct file *vb_image_file(struct vb_image *im, bool rdonly);
struct vb_image *vb_image_of_fd(int fd, bool write);

/* meta.c: blocks of metadata, and bytes of data, in the caller's time */
int vb_meta_read(struct vb_image *im, u64 block, void *data);
int vb_meta_out(struct vb_image *im, u64 block, struct page *page);
int vb_meta_out_end(struct vb_image *im);
int vb_meta_super(struct vb_image *im, const struct vb_super *s);
int vb_meta_flush(struct vb_image *im);
int vb_data_io(struct vb_image *im, u64 pos, struct iov_iter *iter, bool write);
void vb_data_punch(struct vb_image *im, u64 block, u64 blocks);

/* tree.c */
void vb_tree_init(struct vb_tree *t, struct vb_image *im, const struct vb_entry *root,
		  unsigned int depth, unsigned int bottom, enum vb_target target);
void vb_tree_exit(struct vb_tree *t);
struct vb_node *vb_tree_get(struct vb_tree *t, unsigned int level, u64 index, bool make);
void vb_tree_put(struct vb_tree *t, struct vb_node *n);
int vb_tree_entry(struct vb_tree *t, unsigned int level, u64 index, struct vb_entry *e);
int vb_tree_change(struct vb_tree *t, unsigned int level, u64 index, const struct vb_entry *e);
int vb_tree_peek(struct vb_tree *t, u64 leaf, struct vb_entry *e);
int vb_tree_grow(struct vb_tree *t, unsigned int depth);

/* A path from a node to the root, all of it in memory; see vb_path_get(). */
struct vb_path {
	struct vb_node *node[VB_TREE_MAX_DEPTH + 1];
};

int vb_path_get(struct vb_tree *t, unsigned int level, u64 index, struct vb_path *p);
void vb_path_put(struct vb_tree *t, struct vb_path *p);
void vb_path_dirty(struct vb_tree *t, struct vb_path *p);
void vb_slot_get(const struct vb_node *n, unsigned int i, struct vb_entry *e);
void vb_slot_set(struct vb_node *n, unsigned int i, const struct vb_entry *e);

/* cache.c */
struct vb_node *vb_node_alloc(struct vb_image *im);
void vb_node_free(struct vb_node *n);
void vb_cache_add(struct vb_image *im, struct vb_node *n);
void vb_cache_drop(struct vb_tree *t);
unsigned long vb_cache_evict(struct vb_image *im, unsigned long nr);
int vb_cache_init(void);
void vb_cache_exit(void);
unsigned long vb_cache_bytes(void);
void vb_cache_join(struct vb_image *im);
void vb_cache_leave(struct vb_image *im);

/* space.c */
int vb_space_init(struct vb_image *im);
void vb_space_exit(struct vb_image *im);
int vb_space_data(struct vb_image *im, u32 clusters, u64 *block, u32 *got);
int vb_space_meta(struct vb_image *im, u64 *block);
void vb_space_use(struct vb_image *im, u64 block, u32 blocks);
void vb_space_cancel(struct vb_image *im, u64 block, u32 blocks);
int vb_space_give(struct vb_image *im, u64 block, u32 blocks);
int vb_space_promise(struct vb_image *im, unsigned int nodes);
void vb_space_unpromise(struct vb_image *im, unsigned int nodes);
void vb_space_node(struct vb_image *im, unsigned int nodes, bool dirty);
bool vb_space_crowded(struct vb_image *im, bool full);
void vb_space_settle(struct vb_image *im);
void vb_space_release(struct vb_image *im);

/* region_cache.c: regions in memory */
struct vb_region *vb_region_get(struct vb_image *im, u64 index);
void vb_region_put(struct vb_image *im, struct vb_region *r);
void vb_regions_touch(struct vb_space *s, u64 first, u64 last);
int vb_regions_init(struct vb_image *im);
void vb_regions_exit(struct vb_image *im);
unsigned long vb_regions_idle(struct vb_image *im);
unsigned long vb_regions_evict(struct vb_image *im, unsigned long nr);

/* log.c */
int vb_log_read(struct vb_image *im);
int vb_log_write(struct vb_image *im);

/* commit.c */
int vb_commit_now(struct vb_image *im, struct vb_op *op);
int vb_commit(struct vb_image *im, struct vb_op *op);
int vb_image_run(struct vb_image *im, int (*fn)(struct vb_image *im, void *arg), void *arg);
void vb_commit_soon(struct vb_image *im, bool now);
void vb_commit_wait_async(struct vb_image *im, struct vb_waiter *w);
int vb_commit_wait(struct vb_image *im, bool released);
void vb_commit_work(struct work_struct *work);

/* volume.c */
struct vb_vol *vb_vol_new(struct vb_image *im, const struct vb_volume *rec);
void vb_vol_free(struct vb_vol *vol);
struct vb_vol *vb_vol_find(struct vb_image *im, u32 number);
int vb_vols_read(struct vb_image *im);
int vb_vols_write(struct vb_image *im);
void vb_vols_durable(struct vb_image *im);
void vb_vol_changed(struct vb_vol *vol);
void vb_vol_settle(struct vb_vol *vol);
u64 vb_vol_others(struct vb_vol *vol, u64 leaf);
int vb_tree_write(struct vb_tree *t, struct vb_vol *vol);

/* watch.c: who is being deleted, and compared with whom */
void vb_doom(struct vb_vol *vol, struct vb_vol *newer);
struct vb_vol *vb_doomed_next(struct vb_image *im);
void vb_doomed_begin(struct vb_vol *vol, u64 at);
void vb_doomed_done(struct vb_vol *vol);
void vb_watch_move(struct vb_vol *from, struct vb_vol *to);
u64 vb_watch_border(struct vb_vol *vol, u64 leaf);
int vb_doomed_read(struct vb_image *im);

/* map.c: entries of a volume change */
int vb_map_find(struct vb_vol *vol, u64 leaf, struct vb_entry *e);
s64 vb_map_hole(struct vb_vol *vol, u64 leaf);
int vb_map_set(struct vb_vol *vol, u64 leaf, u32 n, u64 block);
#define VB_MAP_RUN 32
void vb_span_lock(struct vb_vol *vol, struct vb_span *s, u64 first, u64 last);
void vb_span_unlock(struct vb_vol *vol, struct vb_span *s);
bool vb_span_meets(struct vb_vol *vol, u64 first, u64 last);

/* redirect.c */
int vb_vol_write(struct vb_vol *vol, u64 pos, u64 bytes, struct iov_iter *iter);
int vb_vol_read(struct vb_vol *vol, u64 pos, u64 bytes, struct iov_iter *iter);
int vb_vol_discard(struct vb_vol *vol, u64 pos, u64 bytes, bool zero);
int vb_vol_cut(struct vb_vol *vol, u64 *pos, u64 end);

/* branch.c, delete.c, diff.c: the calls on an image */
int vb_image_create(struct vb_image *im, struct vblk_image_make *m, struct vb_msg *msg);
int vb_image_snapshot(struct vb_image *im, struct vblk_image_make *m, struct vb_msg *msg);
int vb_image_clone(struct vb_image *im, struct vblk_image_make *m, struct vb_msg *msg);
int vb_image_delete(struct vb_image *im, struct vblk_image_volume *v, struct vb_msg *msg);
int vb_image_promote(struct vb_image *im, struct vblk_image_volume *v, struct vb_msg *msg);
int vb_image_diff(struct vb_image *im, struct vblk_image_diff *d, struct vb_msg *msg);
void vb_delete_work(struct work_struct *work);
void vb_unlink(struct vb_image *im, struct vb_vol *vol);

/* volume_disk.c */
extern const struct vb_kind vb_volume_kind;
int vb_volume_open(struct vb_disk *disk, const struct vblk_attach *a, struct vb_msg *msg);
void vb_volume_close(struct vb_disk *disk);
int vb_volume_resize(struct vb_disk *disk, u64 bytes);

#endif
