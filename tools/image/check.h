/* SPDX-License-Identifier: GPL-2.0 */
/* Is an image sound? And what of it can be mended. */
#ifndef IMAGE_CHECK_H
#define IMAGE_CHECK_H

#include "bits.h"
#include "image.h"

/* Kinds of damage, with the names that img_damage_name() has for them. */
enum img_damage {
	DAMAGE_SUPER,	/* no superblock, or fields that contradict one another */
	DAMAGE_TABLE,	/* the table of volumes cannot be read in part */
	DAMAGE_VOLUME,	/* a record of a volume */
	DAMAGE_CHAIN,	/* how volumes refer to one another */
	DAMAGE_NODE,	/* a node of a volume's tree */
	DAMAGE_DATA,	/* data that does not match its checksum */
	DAMAGE_SHARED,	/* something is reached that another one owns */
	DAMAGE_BITMAP,
	DAMAGE_LOG,
	DAMAGE_FREE,	/* reached, but free: would be overwritten */
	DAMAGE_LEAK,	/* in use, but nothing reaches it */
	DAMAGE_COUNT,	/* nr_free, nr_volumes */
	NR_DAMAGES,
};

/* What repair can do about it. */
enum img_remedy {
	REMEDY_WHOLE,	/* mends it, nothing is lost */
	REMEDY_LOSSY,	/* with --lossy: gives up what cannot be read */
	REMEDY_NONE,
};

/**
 * struct img_spot - a place in a volume's tree that has to change
 * @leaf: a leaf below it
 * @level: of what the entry there points to
 * @own: what is there is to be copied to a place of the volume's own, with the checksum
 *	that it then has
 * @renew: the entry is of this epoch from now on. Without both it becomes a hole
 * @lossy: only if losses are accepted
 */
struct img_spot {
	uint64_t leaf;
	unsigned int level;
	bool own;
	bool renew;
	bool lossy;
};

/**
 * struct img_checked_volume - a volume, as the check found it
 * @v: record, with what can be derived from other records set right
 * @beside: the neighbour that it is compared with, or -1: the older one; of one that
 *	is being deleted the newer one
 * @present: the record could be read and makes sense
 * @walked: its tree has been
 * @spot: what has to change in its tree
 * @nr_spots: how many
 * @clusters: that it reaches and no older volume does
 */
struct img_checked_volume {
	struct img_volume v;
	int64_t beside;
	bool present;
	bool walked;
	struct img_spot *spot;
	size_t nr_spots;
	uint64_t clusters;
};

/**
 * struct img_check - a check and its result
 * @im: the image
 * @report: called for each damage, or NULL
 * @ctx: passed to it
 * @found: how many of each kind
 * @lossy: how many can be mended with a loss
 * @hopeless: how many cannot be mended
 * @reached: blocks that something leads to
 * @used: blocks that the bitmap and the log say are in use
 * @meta: of those in @reached what the table of volumes, the bitmap and the log are in
 * @used_known: the two could be read
 * @incomplete: something could not be read, and what lies below is not in @reached
 * @table_lost: records and parts of the table of volumes that could not be read
 * @vol: volumes by number, [@nr_vol]
 * @nr_vol: @im.sb.next_volume
 * @nr_present: volumes whose record could be read
 * @skip_data: do not read data for its checksums
 */
struct img_check {
	struct img im;
	void (*report)(void *ctx, enum img_damage what, enum img_remedy remedy,
		       const char *text);
	void *ctx;
	unsigned long found[NR_DAMAGES];
	unsigned long lossy;
	unsigned long hopeless;
	struct bits reached;
	struct bits used;
	struct bits meta;
	bool used_known;
	bool incomplete;
	unsigned long table_lost;
	struct img_checked_volume *vol;
	uint32_t nr_vol;
	uint32_t nr_present;
	bool skip_data;
};

const char *img_damage_name(enum img_damage what);
int img_check(struct img_check *c, struct store *st);
unsigned long img_check_found(const struct img_check *c);
void img_check_end(struct img_check *c);
int img_repair(struct img_check *c, bool lossy);
int img_rescue(struct store *st);

/* For the check's own files. */
void img_damaged(struct img_check *c, enum img_damage what, enum img_remedy remedy,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));
bool img_reach(struct img_check *c, uint64_t block, unsigned int n);
bool img_reach_meta(struct img_check *c, uint64_t block);
void img_check_chains(struct img_check *c);
int img_check_tree(struct img_check *c, uint32_t number);
int img_check_space(struct img_check *c);

#endif
