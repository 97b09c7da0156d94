/* SPDX-License-Identifier: GPL-2.0 */
/* What an image should have, in memory; and steps, each done to both, and compared. */
#ifndef SELFTESTS_MODEL_H
#define SELFTESTS_MODEL_H

#include "pool.h"

#define SECTOR		512
#define MAX_VOLS	14
#define MAX_BYTES	(8 * MIB)
#define MAX_IO		(256 * KIB)

/* A volume or a snapshot, as it should be. */
struct vol {
	bool used;
	bool live;		/* not a snapshot */
	uint32_t number;
	char name[32];
	uint64_t bytes;
	uint32_t *tag;		/* of each sector: which write it is from; 0: zeroes */
	uint32_t older;		/* number of the next older snapshot, also of the origin */
	uint32_t newer;		/* of a snapshot: number, or NONE */
	bool hidden;		/* deleted, but it has clones; without data */
	int id;			/* of its disk, or -1 */
	int fd;
};

struct model {
	int backing;
	int image;
	uint64_t seed;
	uint64_t cluster;
	uint32_t tag;		/* of the last write */
	unsigned int names;
	struct vol vol[64];
	void *buf;
	void *buf2;
	unsigned long step;
	unsigned long full;	/* writes that found no space */
};

void model_fail(struct model *m, const struct vol *v, const char *what);
struct vol *model_some(struct model *m, bool live, bool snapshot);
void model_let_go(struct vol *v);
void model_forget(struct vol *v);
/* Everything with the image's own words, and with a reader's that is not the module. */
void model_at_rest(struct model *m, bool closed);

void model_read(struct model *m);
void model_write(struct model *m);
void model_discard(struct model *m);
void model_flush(struct model *m);
void model_create(struct model *m);
void model_snapshot(struct model *m);
void model_clone(struct model *m);
void model_delete(struct model *m);
void model_promote(struct model *m);
void model_resize(struct model *m);
void model_diff(struct model *m);

#endif
